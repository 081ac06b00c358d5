#include "handlers/event/json.h"
#include "handlers/queue/reader.h"
#include "server/cli/admin_client.h"
#include "server/cli/command.h"
#include "server/cli/event_query.h"
#include "server/cli/maintenance.h"
#include "server/cli/output.h"
#include "server/cli/settings_source.h"
#include "server/queue_settings.h"

#include <CLI/CLI.hpp>

#include <memory>
#include <ostream>

namespace wxpush::cli {
namespace {

constexpr std::size_t batch = 256;
constexpr std::chrono::seconds server_timeout{60};

struct EraseOptions {
  std::string config;
  QueryOptions query;
  std::vector<std::string> ids;
  bool undelivered = false;
  bool yes = false;
  Format format = Format::table;
};

// By the running server, or, where none runs, in the store itself.
class Eraser {
 public:
  Eraser(const config::Settings& settings, bool undelivered, Streams& io)
      : settings_(settings), undelivered_(undelivered), io_(io) {}

  void add(queue::RowId id) {
    waiting_.push_back(id);
    if (waiting_.size() >= batch) flush();
  }
  const queue::Erased& finish() {
    if (!waiting_.empty()) flush();
    return erased_;
  }

 private:
  void flush() {
    const auto answer = maintenance_ ? std::nullopt : ask_running_server();
    const queue::Erased erased = answer ? *answer : erase_in_store();
    erased_.done += erased.done;
    erased_.undelivered += erased.undelivered;
    erased_.not_stored += erased.not_stored;
    // Each empties the log, so that the last one counts; a batch that erased nothing did not look.
    if (erased.done > 0) erased_.overwritten = erased.overwritten;
    waiting_.clear();
  }

  std::optional<queue::Erased> ask_running_server() {
    std::string path = "/api/v1/events/erase?undelivered=";
    path += undelivered_ ? "1&ids=" : "0&ids=";
    for (const queue::RowId id : waiting_) path += std::to_string(id) + ",";
    path.pop_back();
    const auto answer = ask_server(settings_, "POST", path, server_timeout);
    if (!answer) return std::nullopt;
    const auto document = event::JsonDocument::parse(answer->body);
    if (answer->status != 200 || !document)
      throw CommandError(exit_unavailable, "the server answers " + std::to_string(answer->status));
    if (const auto error = document->root()["error"].string())
      throw CommandError(exit_unusable, std::string(*error));
    const auto count = [&](const char* name) {
      return static_cast<std::size_t>(document->root()[name].integer().value_or(0));
    };
    return queue::Erased{.done = count("done"),
                         .undelivered = count("undelivered"),
                         .not_stored = count("not_stored"),
                         .overwritten = document->root()["overwritten"].boolean().value_or(false)};
  }

  queue::Erased erase_in_store() {
    if (!maintenance_) {
      maintenance_ = std::make_unique<Maintenance>(settings_);
      io_.err << "no server runs: changing the store itself\n";
    }
    return maintenance_->queue().erase(waiting_, undelivered_);
  }

  const config::Settings& settings_;
  const bool undelivered_;
  Streams& io_;
  std::vector<queue::RowId> waiting_;
  queue::Erased erased_;
  std::unique_ptr<Maintenance> maintenance_;  // once no server was found
};

void print(std::ostream& out, Format format, const queue::Erased& erased) {
  const auto number = [](std::size_t count) { return static_cast<std::int64_t>(count); };
  if (format == Format::json) {
    event::JsonWriter json;
    json.begin_object().key("done").integer(number(erased.done));
    json.key("undelivered").integer(number(erased.undelivered));
    json.key("not_stored").integer(number(erased.not_stored));
    json.key("overwritten").boolean(erased.overwritten).end_object();
    out << json.take() << '\n';
    return;
  }
  out << erased.done << " erased";
  if (erased.undelivered > 0)
    out << ", " << erased.undelivered << " refused: not delivered yet, or dead letters";
  if (erased.not_stored > 0) out << ", " << erased.not_stored << " no longer stored";
  out << '\n';
}

// Found first, so that nothing is read while it changes.
std::vector<queue::RowId> wanted(const EraseOptions& options, queue::Reader& reader) {
  std::vector<queue::RowId> found;
  if (options.ids.empty()) {
    auto query = make_query(options.query, SystemClock().wall());
    query.filter.until = reader.last_id();
    for_each(
        reader, query, [&](const EventView& view) { found.push_back(view.event.id); }, [] {});
  } else {
    for (const std::string& id : options.ids) found.push_back(find_event(reader, id).id);
  }
  return found;
}

int erase(const EraseOptions& options, Streams& io) {
  const bool filter = has_narrow_filter(options.query) || !options.query.state.empty();
  if (!options.ids.empty() && filter) throw CommandError(exit_usage, "ids or a filter, not both");
  if (options.ids.empty() && !(filter && options.yes)) {
    throw CommandError(exit_usage,
                       "say which: ids, or a filter (--order, --until …) and --yes; there is no "
                       "way back");
  }
  const auto settings = load_settings(options.config);
  Eraser eraser(settings, options.undelivered, io);
  for (const queue::RowId id : wanted(options, *server::open_reader(settings.store)))
    eraser.add(id);
  const queue::Erased& erased = eraser.finish();
  print(io.out, options.format, erased);
  if (erased.undelivered > 0)
    io.err << "--undelivered erases those, too: no handler gets them any more\n";
  if (!erased.overwritten) {
    io.err
        << "a process that reads the store keeps its log from being emptied: until it ends, what "
           "was erased can still be found there\n";
  }
  return erased.done > 0 && erased.undelivered == 0 ? exit_ok : exit_no;
}

}  // namespace

void add_erase(CLI::App& events, Command& chosen) {
  auto options = std::make_shared<EraseOptions>();
  CLI::App* command = events.add_subcommand("erase", "Erase some before their retention is over");
  add_config(*command, options->config);
  add_format(*command, options->format);
  command->add_option("ids", options->ids, "which: id, event_id, or 8 or more of its digits")
      ->type_name("ID");
  add_query(*command, options->query);
  command->add_flag("--undelivered", options->undelivered,
                    "also what a handler waits for, or has as a dead letter");
  command->add_flag("--yes", options->yes, "without ids: really all that the filter finds");
  command->footer(
      "For a person who asks for it: the message is overwritten in the store's files, its id "
      "stays, "
      "so\n"
      "that a push of it that comes again is known. Backups, the log of wxpush (order ids) and "
      "what\n"
      "handlers got are not touched.\n"
      "Examples:\n"
      "  wxpush events erase 1042\n"
      "  wxpush events erase --order A17 --yes");
  command->callback([options, &chosen] {
    chosen.run = [options](Streams& io) { return erase(*options, io); };
    chosen.reads_store = true;
  });
}

}  // namespace wxpush::cli
