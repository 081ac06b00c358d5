#include "server/cli/event_asker.h"

#include "handlers/base/url.h"
#include "handlers/event/json.h"
#include "server/cli/admin_client.h"
#include "server/cli/maintenance.h"

#include <algorithm>
#include <ostream>

namespace wxpush::cli {
namespace {

constexpr std::size_t batch = 256;
constexpr std::size_t progress_every = 10'000;
constexpr std::chrono::seconds server_timeout{60};

}  // namespace

EventAsker::EventAsker(const config::Settings& settings, queue::Reader& reader, dispatch::Ask ask,
                       Streams& io)
    : settings_(settings), reader_(reader), ask_(ask), io_(io) {}

EventAsker::~EventAsker() = default;

void EventAsker::add(const std::string& handler, queue::RowId id) {
  auto& ids = waiting_[handler];
  ids.push_back(id);
  if (ids.size() >= batch) flush(handler, ids);
}

dispatch::Granted EventAsker::finish() {
  for (auto& [handler, ids] : waiting_) flush(handler, ids);
  return granted_;
}

void EventAsker::flush(const std::string& handler, std::vector<queue::RowId>& ids) {
  if (ids.empty()) return;
  if (maintenance_ || !ask_running_server(handler, ids)) ask_store(handler, ids);
  ids.clear();
  tell_progress();
}

// False: no server runs.
bool EventAsker::ask_running_server(const std::string& handler,
                                    const std::vector<queue::RowId>& ids) {
  std::string path = "/api/v1/events/" + std::string(to_string(ask_)) +
                     "?handler=" + percent_encode(handler) + "&ids=";
  for (const queue::RowId id : ids) path += std::to_string(id) + ",";
  path.pop_back();
  const auto answer = ask_server(settings_, "POST", path, server_timeout);
  if (!answer) return false;
  const auto document = event::JsonDocument::parse(answer->body);
  if (answer->status != 200 || !document)
    throw CommandError(exit_unavailable, "the server answers " + std::to_string(answer->status));
  if (const auto error = document->root()["error"].string())
    throw CommandError(exit_unusable, handler + ": " + std::string(*error));
  if (document->root()["busy"].boolean().value_or(false)) {
    throw CommandError(exit_unavailable,
                       handler +
                           ": not done yet, but it may still be: the handler reads its backlog, "
                           "or too much waits for it; look with `wxpush events show`");
  }
  const auto count = [&](const char* name) {
    return static_cast<std::size_t>(document->root()[name].integer().value_or(0));
  };
  granted_.done += count("done");
  granted_.passed_over += count("passed_over");
  return true;
}

void EventAsker::ask_store(const std::string& handler, const std::vector<queue::RowId>& ids) {
  if (!maintenance_) {
    maintenance_ = std::make_unique<Maintenance>(settings_);
    io_.err << "no server runs: changing the store itself\n";
  }
  const auto handlers = maintenance_->queue().handlers();
  const auto record = std::ranges::find(handlers, handler, &queue::HandlerRecord::name);
  if (record == handlers.end())
    throw CommandError(exit_unusable, "no handler is called " + handler);
  const auto granted =
      dispatch::grant_without_feed(maintenance_->queue(), reader_, *record, ask_, ids);
  granted_.done += granted.done;
  granted_.passed_over += granted.passed_over;
}

void EventAsker::tell_progress() {
  const std::size_t all = granted_.done + granted_.passed_over;
  if (all < told_ + progress_every) return;
  told_ = all;
  io_.err << all << " events so far\n";
}

void print_granted(std::ostream& out, Format format, const dispatch::Granted& granted,
                   const char* what) {
  if (format == Format::json) {
    event::JsonWriter json;
    json.begin_object().key("done").integer(static_cast<std::int64_t>(granted.done));
    json.key("passed_over").integer(static_cast<std::int64_t>(granted.passed_over)).end_object();
    out << json.take() << '\n';
    return;
  }
  out << granted.done << ' ' << what;
  if (granted.passed_over > 0)
    out << ", " << granted.passed_over << " passed over: not in a state for that";
  out << '\n';
}

}  // namespace wxpush::cli
