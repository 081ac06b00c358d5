// store_subject drive DIRECTORY <script   |   store_subject verify <requests

#include "tests/fault/store_subject.h"

#include <cstdlib>
#include <fcntl.h>
#include <iostream>
#include <sstream>
#include <unistd.h>

namespace wxpush::queue {
namespace {

constexpr std::uint64_t plenty = 1ULL << 40;  // bytes

std::uint64_t spread(std::uint64_t n) {
  n = (n ^ (n >> 30)) * 0xbf58476d1ce4e5b9ULL;
  n = (n ^ (n >> 27)) * 0x94d049bb133111ebULL;
  return n ^ (n >> 31);
}

}  // namespace

Words::Words(const std::string& line) {
  std::istringstream words(line);
  for (std::string word; words >> word;) {
    const std::size_t sign = word.find('=');
    if (sign == std::string::npos) {
      plain.push_back(word);
    } else {
      named[word.substr(0, sign)] = word.substr(sign + 1);
    }
  }
}

std::int64_t Words::number(const std::string& name, std::int64_t otherwise) const {
  const auto found = named.find(name);
  return found == named.end() ? otherwise : std::stoll(found->second);
}

std::string Words::text(const std::string& name) const {
  const auto found = named.find(name);
  return found == named.end() ? std::string{} : found->second;
}

Subject::Subject(const std::filesystem::path& directory, const Words& words)
    : salt(words.number("salt", 0)) {
  clock.step(std::chrono::milliseconds{words.number("clock", 0)} - clock.wall().time_since_epoch());
  settings.directory = directory;
  settings.retention = std::chrono::seconds{words.number("retention", 7200)};
  settings.min_retention = std::chrono::seconds{words.number("min_retention", 1200)};
  settings.min_free = 1ULL << 30;
  settings.recent_ids = static_cast<std::uint32_t>(words.number("recent_ids", 16));
  settings.generation_ids = static_cast<std::uint32_t>(words.number("generation_ids", 24));
  settings.wal_checkpoint_pages = static_cast<std::uint64_t>(words.number("wal_pages", 24));
  settings.batch_events = static_cast<std::uint32_t>(words.number("batch", 512));
  for (const char key : words.text("keys"))
    settings.body_keys.emplace_back(std::string(BodyKey::size, key));
  settings.random = &random;
  options.filing_rows = static_cast<std::size_t>(words.number("filing_rows", 4));
  disk.set_space({.total = plenty, .free = plenty / 2});
}

Trace::Trace() {
  const char* file = std::getenv("WXPUSH_RECORD_FILE");
  if (file != nullptr) descriptor_ = ::open(file, O_WRONLY | O_APPEND | O_CLOEXEC);
}

void Trace::mark(const std::string& text) const {
  if (descriptor_ < 0) return;
  struct {  // of a record without a file
    std::uint32_t magic = 0x52545857, kind = 'M';
    std::uint64_t inode = 0, offset = 0;
    std::uint32_t name_size = 0, data_size = 0;
  } head;
  head.data_size = static_cast<std::uint32_t>(text.size());
  std::string whole(reinterpret_cast<const char*>(&head), sizeof head);
  whole += text;
  if (::write(descriptor_, whole.data(), whole.size()) != static_cast<ssize_t>(whole.size()))
    std::abort();
}

NewEvent Subject::event(std::uint64_t n) const {
  const std::uint64_t chance = spread(static_cast<std::uint64_t>(salt) * 1'000'003 + n);
  // Mostly as large as real ones; now and then several pages.
  const std::uint64_t filler = n % 29 == 0 ? 20'000 + chance % 30'000 : 100 + chance % 900;
  const std::string letters(filler, static_cast<char>('a' + chance % 26));
  NewEvent event;
  event.body = "{\"salt\":" + std::to_string(salt) + ",\"n\":" + std::to_string(n) + ",\"x\":\"" +
               letters + "\"}";
  event.app = "shop";
  event.appid = "wx0123456789abcdef";
  event.event_id = event::make_event_id(event.appid, event.body);
  event.type = "update_waybill_status";
  event.order_key = n % 7 == 0 ? std::string{} : "order-" + std::to_string(n % 11);
  event.kind = event::ContentKind::json;
  event.received_at = clock.wall();
  return event;
}

}  // namespace wxpush::queue

int main(int count, char** arguments) {
  const std::string what = count > 1 ? arguments[1] : "";
  std::ios::sync_with_stdio(false);
  if (what == "drive" && count == 3) return wxpush::queue::drive(arguments[2], std::cin);
  if (what == "verify" && count == 2) return wxpush::queue::verify(std::cin);
  std::cerr << "usage: store_subject drive DIRECTORY | verify\n";
  return 64;
}
