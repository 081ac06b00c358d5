// What a store holds, by the product's own start procedure and its own answers:
//   DIRECTORY clock=T push=N …  →  {"rows": […], "known": […], "cursor": C, "owed": […], "wrong":
//   […]}
// rows: event ids found by a reader after the start. known: of the events 1..N, pushed once more,
// those that were answered as duplicates. owed: ids of events that the handler's cursor has passed
// and that are to be tried again or wait behind others. wrong: everything that must not be in any
// store. A store that does not open: {"error": "…", "exit": E}.

#include "handlers/queue/reader.h"
#include "handlers/queue/sqlite.h"
#include "tests/fault/store_subject.h"

#include <algorithm>
#include <exception>
#include <future>
#include <iostream>
#include <iterator>
#include <memory>
#include <set>
#include <utility>
#include <vector>

namespace wxpush::queue {
namespace {

class Answer {
 public:
  void row(const StoredEvent& event) { rows_.push_back(to_string(event.event_id)); }
  void known(const event::EventId& id) { known_.push_back(to_string(id)); }
  void wrong(const std::string& what) { wrong_.push_back(what); }
  void cursor(RowId id) { cursor_ = id; }
  void owed(RowId id) { owed_.push_back(std::to_string(id)); }

  void print() const {
    std::cout << "{\"rows\": " << list(rows_) << ", \"known\": " << list(known_)
              << ", \"owed\": " << list(owed_) << ", \"wrong\": " << list(wrong_)
              << ", \"cursor\": " << cursor_ << "}" << std::endl;
  }
  static std::string quoted(const std::string& text) {
    std::string safe = "\"";
    for (const char c : text) safe += c == '"' || c == '\\' || c < ' ' ? '?' : c;
    return safe + "\"";
  }

 private:
  static std::string list(const std::vector<std::string>& texts) {
    std::string all = "[";
    for (const std::string& text : texts) all += (all.size() > 1 ? ", " : "") + quoted(text);
    return all + "]";
  }
  std::vector<std::string> rows_, known_, owed_, wrong_;
  RowId cursor_ = 0;
};

// Each event once, with the body that was pushed (of events whose numbers are known).
void look_at_rows(const Subject& subject, std::uint64_t pushed, const std::string& when,
                  const std::vector<StoredEvent>& rows, Answer& answer) {
  std::map<std::string, std::string> bodies;
  for (std::uint64_t n = 1; n <= pushed; ++n) {
    NewEvent event = subject.event(n);
    bodies[to_string(event.event_id)] = std::move(event.body);
  }
  std::set<std::string> seen;
  for (const StoredEvent& event : rows) {
    const std::string id = to_string(event.event_id);
    if (!seen.insert(id).second) answer.wrong(id + " is stored twice, " + when);
    if (pushed == 0) continue;
    const auto body = bodies.find(id);
    if (body == bodies.end()) {
      answer.wrong(id + " was never pushed, " + when);
    } else if (body->second != event.body) {
      answer.wrong(id + " has another body, " + when);
    }
  }
}

void push_again(const Subject& subject, StoreQueue& queue, std::uint64_t pushed, Answer& answer) {
  std::vector<std::pair<event::EventId, std::future<Appended>>> waiting;
  for (std::uint64_t n = 1; n <= pushed; ++n) {
    NewEvent event = subject.event(n);
    auto promise = std::make_shared<std::promise<Appended>>();
    waiting.emplace_back(event.event_id, promise->get_future());
    queue.append(std::move(event), [promise](const Appended& done) { promise->set_value(done); });
  }
  std::set<RowId> ids;
  for (auto& [event_id, decided] : waiting) {
    const Appended done = decided.get();
    if (done.error) {
      answer.wrong(to_string(event_id) + " pushed again: " + done.error.message());
      continue;
    }
    if (done.duplicate) answer.known(event_id);
    if (!ids.insert(done.id).second)
      answer.wrong("the id of " + to_string(event_id) + " is another's");
  }
}

void look_at_lanes(Reader& reader, std::uint32_t handler, Answer& answer) {
  constexpr std::size_t rows_at_once = 100;
  const LaneState state = reader.lane_state(handler, false);
  for (const ListedEvent& retry : state.retries) answer.owed(retry.id);
  for (const ShortHash lane : state.parked_lanes) {
    std::vector<RowId> parked;
    do {
      parked = reader.parked(handler, lane, parked.empty() ? 0 : parked.back(), rows_at_once);
      for (const RowId id : parked) answer.owed(id);
    } while (!parked.empty());
  }
}

void look_into_database(const std::filesystem::path& directory, Answer& answer) {
  const Connection database(StoreFiles(directory).database.string(),
                            {.read_only = true, .busy_milliseconds = 1000});
  const auto text = [&](const std::string& query) {
    Statement statement(database, query);
    Rows rows = statement.query();
    return rows.next() ? std::string(rows.bytes(0)) : std::string();
  };
  const std::string integrity = text("PRAGMA integrity_check");
  if (integrity != "ok") answer.wrong("integrity_check: " + integrity);
  const std::string counted = text("SELECT count(*) FROM event");
  const std::string noted =
      text("SELECT coalesce((SELECT value FROM meta WHERE key = 'events'), 0)");
  if (counted != noted) answer.wrong("meta counts " + noted + " events of " + counted);
}

void look(const std::filesystem::path& directory, const Words& words) {
  Answer answer;
  Subject subject(directory, words);
  const auto pushed = static_cast<std::uint64_t>(words.number("push", 0));
  StoreQueue queue(subject.settings, subject.clock, subject.disk, subject.log, subject.options);
  const std::vector<StoredEvent> found = all_events(subject.settings);
  for (const StoredEvent& event : found) answer.row(event);
  look_at_rows(subject, pushed, "after the start", found, answer);
  for (const HandlerRecord& handler : queue.handlers()) {
    answer.cursor(handler.cursor);
    look_at_lanes(*queue.reader(), handler.number, answer);
  }
  queue.start({});
  push_again(subject, queue, pushed, answer);
  queue.wait_until_idle();
  if (pushed > 0)
    look_at_rows(subject, pushed, "pushed again", all_events(subject.settings), answer);
  look_into_database(directory, answer);
  queue.stop();
  if (queue.status().failed) answer.wrong("the store failed: " + queue.status().failure);
  answer.print();
}

}  // namespace

std::vector<StoredEvent> all_events(const QueueSettings& settings) {
  const std::unique_ptr<Reader> reader = Reader::open(settings.directory, settings.body_keys);
  std::vector<StoredEvent> found;
  EventFilter filter;
  for (bool end = false; !end;) {
    Reader::Page page = reader->events(filter);
    std::move(page.events.begin(), page.events.end(), std::back_inserter(found));
    filter.after = page.next_after;
    end = page.end;
  }
  return found;
}

int verify(std::istream& requests) {
  for (std::string line; std::getline(requests, line);) {
    const Words words(line);
    try {
      look(words.plain.at(0), words);
    } catch (const StoreOpenError& error) {
      std::cout << "{\"error\": " << Answer::quoted(error.what())
                << ", \"exit\": " << error.exit_code() << "}" << std::endl;
    } catch (const std::exception& error) {
      std::cout << "{\"error\": " << Answer::quoted(error.what()) << ", \"exit\": 0}" << std::endl;
    }
  }
  return 0;
}

}  // namespace wxpush::queue
