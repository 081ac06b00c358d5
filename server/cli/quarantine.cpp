#include "handlers/event/json.h"
#include "handlers/queue/reader.h"
#include "server/cli/admin_client.h"
#include "server/cli/command.h"
#include "server/cli/output.h"
#include "server/cli/settings_source.h"
#include "server/cli/time_text.h"
#include "server/queue_settings.h"

#include <CLI/CLI.hpp>

#include <memory>
#include <ostream>

namespace wxpush::cli {
namespace {

struct QuarantineOptions {
  std::string config;
  bool reveal = false;
  Format format = Format::table;
};

const char* ring_name(queue::QuarantineRing ring) {
  return ring == queue::QuarantineRing::unopened ? "unopened" : "unsigned";
}

void print_json(std::ostream& out, const queue::QuarantinedPush& push, bool reveal) {
  event::JsonWriter json;
  json.begin_object().key("id").integer(static_cast<std::int64_t>(push.id));
  json.key("ring").string(ring_name(push.ring)).key("app").string(push.app);
  json.key("received_at").string(to_text(push.received_at));
  json.key("timestamp").string(push.timestamp).key("nonce").string(push.nonce);
  json.key("bytes").integer(static_cast<std::int64_t>(push.encrypt.size()));
  if (reveal) {
    json.key("msg_signature").string(push.msg_signature).key("encrypt").string(push.encrypt);
  }
  json.end_object();
  out << json.take() << '\n';
}

std::vector<std::string> titles(bool reveal) {
  std::vector<std::string> names{"ID", "RING", "APP", "RECEIVED", "TIMESTAMP", "NONCE", "BYTES"};
  if (reveal) names.insert(names.end(), {"MSG_SIGNATURE", "ENCRYPT"});
  return names;
}

int list(const QuarantineOptions& options, Streams& io) {
  const auto reader = server::open_reader(load_settings(options.config).store);
  Table table(io.out, titles(options.reveal));
  std::uint64_t after = 0;
  while (true) {
    const auto page = reader->quarantined(after);
    for (const queue::QuarantinedPush& push : page) {
      if (options.format == Format::json) {
        print_json(io.out, push, options.reveal);
        continue;
      }
      std::vector<std::string> row{std::to_string(push.id),
                                   ring_name(push.ring),
                                   push.app,
                                   to_text(push.received_at),
                                   push.timestamp,
                                   push.nonce,
                                   std::to_string(push.encrypt.size())};
      if (options.reveal) row.insert(row.end(), {push.msg_signature, push.encrypt});
      table.add(std::move(row));
    }
    if (options.format == Format::table) table.flush();
    io.out.flush();
    if (page.empty()) return exit_ok;
    after = page.back().id;
  }
}

int retry(const QuarantineOptions& options, Streams& io) {
  const config::Settings settings = load_settings(options.config);
  const auto answer =
      ask_server(settings, "POST", "/api/v1/quarantine/retry", std::chrono::seconds(60));
  if (!answer) {
    io.err << "no server is running: the next start tries them by itself\n";
    return exit_unavailable;
  }
  const auto document = event::JsonDocument::parse(answer->body);
  if (answer->status != 200 || !document) {
    throw CommandError(exit_unavailable, "the server answers " + std::to_string(answer->status));
  }
  const auto opened = document->root()["opened"].integer().value_or(0);
  const auto remaining = document->root()["remaining"].integer().value_or(0);
  if (options.format == Format::json) {
    event::JsonWriter json;
    json.begin_object()
        .key("opened")
        .integer(opened)
        .key("remaining")
        .integer(remaining)
        .end_object();
    io.out << json.take() << '\n';
  } else {
    io.out << opened << " opened, " << remaining << " remaining\n";
  }
  return exit_ok;
}

void add_list(CLI::App& parent, Command& chosen) {
  auto options = std::make_shared<QuarantineOptions>();
  CLI::App* command = parent.add_subcommand("list", "List them, oldest first");
  add_config(*command, options->config);
  add_format(*command, options->format);
  command->add_flag("--reveal", options->reveal, "with signature and ciphertext");
  command->footer("Example:\n  wxpush quarantine list");
  command->callback([options, &chosen] {
    chosen.run = [options](Streams& io) { return list(*options, io); };
    chosen.reads_store = true;
  });
}

void add_retry(CLI::App& parent, Command& chosen) {
  auto options = std::make_shared<QuarantineOptions>();
  CLI::App* command =
      parent.add_subcommand("retry", "Let the running server try its keys on them again");
  add_config(*command, options->config);
  add_format(*command, options->format);
  command->footer(
      "What opens becomes an event. A start tries them by itself, so without a running server\n"
      "there is nothing to do: exit code 69.\n"
      "Example:\n"
      "  wxpush quarantine retry");
  command->callback(
      [options, &chosen] { chosen.run = [options](Streams& io) { return retry(*options, io); }; });
}

}  // namespace

void add_quarantine(CLI::App& parent, Command& chosen) {
  CLI::App* command =
      parent.add_subcommand("quarantine", "Pushes that were signed for us, but no key opened");
  command->require_subcommand(1);
  command->footer(
      "Examples:\n"
      "  wxpush quarantine list\n"
      "  wxpush quarantine retry");
  add_list(*command, chosen);
  add_retry(*command, chosen);
}

}  // namespace wxpush::cli
