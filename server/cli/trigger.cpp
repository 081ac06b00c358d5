#include "server/cli/trigger.h"

#include "handlers/base/clock.h"
#include "handlers/event/event_id.h"
#include "handlers/event/message.h"
#include "server/cli/command.h"
#include "server/cli/output.h"
#include "server/cli/settings_source.h"
#include "server/cli/test_message.h"

#include <CLI/CLI.hpp>

#include <memory>
#include <ostream>

namespace wxpush::cli {
namespace {

struct TriggerOptions {
  std::string config;
  std::string event;
  std::string app;
  TargetOptions target;
  std::vector<std::string> fields;
  int times = 1;
};

int trigger(const TriggerOptions& options, Streams& io) {
  const config::Settings settings = load_settings(options.config);
  const config::App& app = select_app(settings, options.app);
  const PushTarget target = push_target(options.target, settings, app);
  const crypto::PushCodec codec = make_codec(app);
  crypto::SystemRandom random;
  bool all = true;
  for (int i = 0; i < options.times; ++i) {
    const std::int64_t now =
        std::chrono::floor<std::chrono::seconds>(SystemClock().wall()).time_since_epoch().count();
    // Several pushes of one order must differ, or they are one event: a second lies between them.
    const std::int64_t happened = now - (options.times - 1 - i);
    TestMessage message(options.event, crypto::random_text(random, 8, "0123456789abcdef"),
                        happened);
    for (const std::string& field : options.fields) message.set(field);
    const std::string text = message.text();
    const SealedPush push =
        seal_push(codec, random, text, names_in(codec, text), make_stamp(random, now));
    all = push_once(send_http, codec, target, push, text, io.out) && all;
  }
  return all ? exit_ok : exit_no;
}

}  // namespace

bool push_once(const Transport& transport, const crypto::PushCodec& codec, const PushTarget& target,
               const SealedPush& push, std::string_view message, std::ostream& out) {
  const std::string type = event::read_message(codec.appid(), message).type;
  out << "--> " << (type.empty() ? "(opaque)" : printable(type)) << " ["
      << event::to_string(event::make_event_id(codec.appid(), message)) << "]\n";
  const HttpRequest request = push_request(target, push);
  for (int i = 0; i < push_tries; ++i) {
    const HttpAnswer answer = transport(request);
    const Judgement judgement = judge(codec, answer);
    out << "<-- [" << (answer.failure.empty() ? std::to_string(answer.status) : answer.failure)
        << "] POST " << to_string(target.url) << " (" << answer.took.count() << " ms)\n";
    if (answer.failure.empty()) out << "    " << judgement.words << '\n';
    out.flush();
    if (judgement.acknowledged) return true;
  }
  return false;
}

void add_trigger(CLI::App& parent, Command& chosen) {
  auto options = std::make_shared<TriggerOptions>();
  CLI::App* command =
      parent.add_subcommand("trigger", "Act as WeChat: send encrypted pushes to a server");
  command->add_option("event", options->event, "such as update_waybill_status")->required();
  add_config(*command, options->config);
  add_app(*command, options->app);
  command
      ->add_option("--set", options->fields,
                   "a field of the message: numbers and other JSON stay what they are; agent.name "
                   "reaches inside")
      ->type_name("key=value")
      ->allow_extra_args(false);
  add_target(*command, options->target);
  command->add_option("--times", options->times, "how many pushes")
      ->check(CLI::Range(1, 1'000'000))
      ->type_name("N");
  command->footer(
      "Each push has WeChat's 5 seconds and 3 tries. Orders are named wxpush-test-… unless set.\n"
      "Exit code 0 if all were acknowledged, else 1.\n"
      "Examples:\n"
      "  wxpush trigger update_waybill_status\n"
      "  wxpush trigger update_waybill_status --app shop --set order_status=302 "
      "--set shop_order_id=A17\n"
      "  wxpush trigger add_express_path --url https://push.example.com/wx/shop --times 3");
  command->callback([options, &chosen] {
    chosen.run = [options](Streams& io) { return trigger(*options, io); };
  });
}

}  // namespace wxpush::cli
