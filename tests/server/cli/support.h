#pragma once
// What the command line's tests share: running a command with captured streams, a directory that
// goes away, and a store that exists in memory only.

#include "handlers/queue/queue.h"
#include "server/cli/cli.h"
#include "tests/support/empty_reader.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace wxpush::cli::test {

struct Ran {
  int code;
  std::string out;
  std::string err;
};

inline Ran run_command(std::vector<std::string> arguments, const std::string& input = {}) {
  std::ostringstream out;
  std::ostringstream err;
  std::istringstream in(input);
  const int code = run(std::move(arguments), out, err, in);
  return {code, out.str(), err.str()};
}

inline bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

class Directory {
 public:
  Directory() {
    std::string name = (std::filesystem::temp_directory_path() / "wxpush-cli-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
    path_ = name;
  }
  ~Directory() { std::filesystem::remove_all(path_); }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;

  std::string operator/(const std::string& name) const { return (path_ / name).string(); }
  std::string path() const { return path_.string(); }
  std::string write(const std::string& name, const std::string& content) const {
    std::ofstream(path_ / name, std::ios::binary) << content;
    return *this / name;
  }
  std::string read(const std::string& name) const {
    std::ifstream file(path_ / name, std::ios::binary);
    std::ostringstream content;
    content << file.rdbuf();
    return content.str();
  }

 private:
  std::filesystem::path path_;
};

// Settings as `wxpush init` writes them, without TLS, the store beside them. Answers the file.
inline std::string init(const Directory& directory) {
  const Ran ran = run_command({"init", "--dir", directory.path(), "--appid", "wx0123456789abcdef",
                               "--url", "https://push.example.com", "--store", "store", "--no-tls",
                               "--listen", "127.0.0.1:18999"});
  if (ran.code != 0) throw std::runtime_error(ran.err);
  return directory / "wxpush.toml";
}

// A Reader over what the test puts into it; pages of `page` rows.
class FakeReader final : public wxpush::test::EmptyReader {
 public:
  std::vector<queue::StoredEvent> stored;  // in id order
  std::vector<std::pair<queue::RowId, std::vector<queue::Delivery>>> asked;
  std::vector<queue::Repeat> repeated;
  std::size_t page = 2;

  queue::StoredEvent& add(const std::string& body, const std::string& order_key = {}) {
    queue::StoredEvent event;
    event.id = stored.empty() ? 1 : stored.back().id + 1;
    event.app = "shop";
    event.appid = "wx0123456789abcdef";
    event.type = "update_waybill_status";
    event.order_key = order_key;
    event.kind = event::ContentKind::json;
    event.body = body;
    event.event_id = event::make_event_id(event.appid, body);
    event.received_at = WallTime(std::chrono::seconds(1'700'000'000 + event.id));
    return stored.emplace_back(std::move(event));
  }

  Page events(const queue::EventFilter& filter, std::size_t) override {
    Page result;
    result.next_after = filter.after;
    result.end = true;
    for (const auto& event : stored) {
      if (event.id <= filter.after || (filter.until != 0 && event.id > filter.until)) continue;
      if (result.next_after >= filter.after + page) {
        result.end = false;
        break;
      }
      result.next_after = event.id;
      const bool other_order = !filter.order_key.empty() && event.order_key != filter.order_key;
      if (!other_order) result.events.push_back(event);
    }
    return result;
  }
  std::optional<queue::StoredEvent> find(queue::RowId id) override {
    for (const auto& event : stored) {
      if (event.id == id) return event;
    }
    return std::nullopt;
  }
  std::vector<queue::RowId> find_by_event_id(const std::string& prefix) override {
    std::vector<queue::RowId> ids;
    for (const auto& event : stored) {
      if (event::to_string(event.event_id).starts_with(prefix) && ids.size() < 2)
        ids.push_back(event.id);
    }
    return ids;
  }
  std::vector<queue::Delivery> deliveries(const queue::StoredEvent& event) override {
    for (const auto& [id, list] : asked) {
      if (id == event.id) return list;
    }
    return {};
  }
  std::vector<queue::Repeat> repeats(std::uint64_t after) override {
    std::vector<queue::Repeat> result;
    for (const auto& repeat : repeated) {
      if (repeat.sequence > after) result.push_back(repeat);
    }
    return result;
  }
  queue::StoreFigures figures() override {
    return {stored.size(), stored.empty() ? 0 : stored.front().id, last_id(), 0, 1};
  }
  queue::RowId last_id() override { return stored.empty() ? 0 : stored.back().id; }
};

inline queue::Delivery delivery(const std::string& handler, queue::DeliveryState state) {
  queue::Delivery result;
  result.handler = handler;
  result.state = state;
  return result;
}

}  // namespace wxpush::cli::test
