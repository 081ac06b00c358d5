#include "handlers/queue/event_scan.h"

#include <algorithm>
#include <array>
#include <optional>

namespace wxpush::queue {
namespace {

// sqlite.org/fileformat2.html, "B-tree Pages" and "Record Format".
constexpr unsigned char table_leaf = 0x0D;
constexpr std::size_t leaf_header = 8;
constexpr std::size_t file_header = 100;  // before that of the first page
constexpr std::size_t event_columns = 13;
constexpr std::uint64_t largest_record = std::uint64_t{64} << 20;

using Bytes = std::vector<unsigned char>;

// Reads on, and says when there was nothing more to read.
class Cursor {
 public:
  Cursor(const Bytes& bytes, std::size_t at, std::size_t end) : bytes_(bytes), at_(at), end_(end) {}
  bool good() const noexcept { return good_; }
  std::size_t at() const noexcept { return at_; }
  std::uint64_t big_endian(std::size_t size) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < size; ++i) value = value << 8 | next();
    return value;
  }
  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (int i = 0; i < 8; ++i) {
      const unsigned char byte = next();
      value = value << 7 | (byte & 0x7FU);
      if ((byte & 0x80U) == 0) return value;
    }
    return value << 8 | next();
  }
  std::string_view take(std::uint64_t size) {
    if (!good_ || size > end_ - at_) {
      good_ = false;
      return {};
    }
    const auto* data = reinterpret_cast<const char*>(bytes_.data() + at_);
    at_ += static_cast<std::size_t>(size);
    return {data, static_cast<std::size_t>(size)};
  }

 private:
  unsigned char next() {
    if (!good_ || at_ >= end_) {
      good_ = false;
      return 0;
    }
    return bytes_[at_++];
  }
  const Bytes& bytes_;
  std::size_t at_, end_;
  bool good_ = true;
};

class Scanner {
 public:
  Scanner(DamagedPages& pages, const std::set<PageNumber>& free,
          const std::function<void(const FoundEvent&)>& found)
      : pages_(pages), free_(free), found_(found) {}

  void run() {
    for (PageNumber number = 1; number <= pages_.count(); ++number) {
      if (free_.contains(number) || !pages_.read(number, page_)) continue;
      damaged_ = pages_.is_damaged(number);
      look(number == 1 ? file_header : 0);
    }
  }

 private:
  void look(std::size_t header) {
    if (page_[header] != table_leaf) return;
    Cursor cells(page_, header + 3, page_.size());
    const std::uint64_t count = cells.big_endian(2);
    for (std::uint64_t i = 0; i < count; ++i) {
      Cursor pointer(page_, header + leaf_header + 2 * static_cast<std::size_t>(i), page_.size());
      const auto at = static_cast<std::size_t>(pointer.big_endian(2));
      if (!pointer.good()) return;
      if (at != 0 && at < pages_.usable()) look_at_cell(at);
    }
  }

  void look_at_cell(std::size_t at) {
    damaged_record_ = false;
    Cursor cell(page_, at, pages_.usable());
    const std::uint64_t size = cell.varint();
    const std::uint64_t id = cell.varint();
    if (!cell.good() || id == 0 || !payload(cell, size)) return;
    if (std::optional<FoundEvent> event = decode(id)) found_(*event);
  }

  // What is on the page, and what is on the pages that it overflows to.
  bool payload(Cursor& cell, std::uint64_t size) {
    const std::uint64_t usable = pages_.usable();
    const std::uint64_t most = usable - 35;
    const std::uint64_t least = (usable - 12) * 32 / 255 - 23;
    if (size > largest_record) return false;
    std::uint64_t local = size;
    if (size > most) {
      local = least + (size - least) % (usable - 4);
      if (local > most) local = least;
    }
    const std::string_view here = cell.take(local);
    if (!cell.good()) return false;
    record_.assign(here.begin(), here.end());
    const std::uint64_t next = local < size ? cell.big_endian(4) : 0;
    return cell.good() && (local == size || overflow(static_cast<PageNumber>(next), size));
  }

  bool overflow(PageNumber next, std::uint64_t size) {
    Bytes page;
    while (record_.size() < size) {
      if (next == 0 || next > pages_.count() || !pages_.read(next, page)) return false;
      damaged_record_ = damaged_record_ || pages_.is_damaged(next);
      const std::uint64_t part =
          std::min<std::uint64_t>(size - record_.size(), pages_.usable() - 4);
      record_.insert(record_.end(), page.begin() + 4,
                     page.begin() + 4 + static_cast<std::ptrdiff_t>(part));
      Cursor following(page, 0, 4);
      next = static_cast<PageNumber>(following.big_endian(4));
    }
    return true;
  }

  static std::uint64_t size_of(std::uint64_t type) {
    constexpr std::array<std::uint64_t, 12> fixed{0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0};
    return type < fixed.size() ? fixed.at(static_cast<std::size_t>(type)) : (type - 12) / 2;
  }

  static std::int64_t integer(std::uint64_t type, std::string_view bytes) {
    if (type == 8 || type == 9) return type == 9 ? 1 : 0;
    std::uint64_t value = !bytes.empty() && (bytes.front() & 0x80) != 0 ? ~std::uint64_t{0} : 0;
    for (const char byte : bytes) value = value << 8 | static_cast<unsigned char>(byte);
    return static_cast<std::int64_t>(value);
  }

  std::optional<FoundEvent> decode(RowId id) {
    Cursor head(record_, 0, record_.size());
    const std::uint64_t header_size = head.varint();
    std::array<std::uint64_t, event_columns> types{};
    for (std::uint64_t& type : types) type = head.varint();
    const bool event_id = types[1] == 12 + 2 * 32;
    if (!head.good() || head.at() != header_size || types[0] != 0 || !event_id) return std::nullopt;
    std::array<std::string_view, event_columns> values;
    for (std::size_t i = 0; i < event_columns; ++i) values.at(i) = head.take(size_of(types.at(i)));
    if (!head.good() || head.at() != record_.size()) return std::nullopt;
    FoundEvent found;
    StoredEvent& event = found.event;
    event.id = id;
    std::ranges::copy(values[1], event.event_id.bytes.begin());
    event.app = values[2];
    event.appid = values[3];
    event.type = values[4];
    event.order_key = values[5];
    event.kind = static_cast<event::ContentKind>(integer(types[7], values[7]));
    event.received_at = wall_time(integer(types[8], values[8]));
    if (types[9] != 0) event.event_time = wall_time(integer(types[9], values[9]));
    event.body = values[12];
    found.codec = integer(types[10], values[10]);
    found.key_number = static_cast<std::uint32_t>(integer(types[11], values[11]));
    found.on_damaged = damaged_ || damaged_record_;
    return found;
  }

  DamagedPages& pages_;
  const std::set<PageNumber>& free_;
  const std::function<void(const FoundEvent&)>& found_;
  Bytes page_, record_;
  bool damaged_ = false;
  bool damaged_record_ = false;
};

}  // namespace

void scan_events(DamagedPages& pages, const std::set<PageNumber>& free,
                 const std::function<void(const FoundEvent&)>& found) {
  Scanner(pages, free, found).run();
}

}  // namespace wxpush::queue
