#include "handlers/queue/quarantine_table.h"

#include "handlers/queue/store_files.h"

namespace wxpush::queue {
namespace {

constexpr std::uint64_t entry_overhead = 128;  // a row's other columns, about

}  // namespace

QuarantineTable::QuarantineTable(Connection& connection, Meta& meta, std::uint64_t entries,
                                 std::uint64_t bytes)
    : meta_(meta),
      max_entries_(entries),
      max_bytes_(bytes),
      insert_(connection,
              "INSERT INTO quarantine(id, ring, app, received_at, timestamp, nonce, "
              "msg_signature, encrypt) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"),
      delete_(connection, "DELETE FROM quarantine WHERE id = ?1"),
      sizes_(connection,
             "SELECT id, ring, length(CAST(timestamp AS BLOB)) + length(CAST(nonce AS BLOB)) + "
             "length(CAST(msg_signature AS BLOB)) + length(encrypt) FROM quarantine") {
  load();
}

void QuarantineTable::load() {
  rings_ = {};
  next_id_ = static_cast<std::uint64_t>(meta_.get(meta_key::next_quarantine_id, 1));
  for (Rows rows = sizes_.query(); rows.next();) {
    Ring& ring = rings_[rows.number(1) == 0 ? 0 : 1];
    const std::uint64_t size = rows.number(2) + entry_overhead;
    ring.sizes.emplace(rows.number(0), size);
    ring.bytes += size;
  }
  touched_ = false;
}

void QuarantineTable::add(const QuarantinedPush& push) {
  touched_ = true;
  Ring& ring = rings_[static_cast<std::size_t>(push.ring)];
  const std::uint64_t size = push.bytes() + entry_overhead;
  if (max_entries_ == 0 || size > max_bytes_) return;
  make_room(ring, size);
  const std::uint64_t id = next_id_++;
  insert_.run(id, static_cast<int>(push.ring), push.app, stored(push.received_at), push.timestamp,
              push.nonce, push.msg_signature, Blob{push.encrypt});
  meta_.set(meta_key::next_quarantine_id, static_cast<std::int64_t>(next_id_));
  ring.sizes.emplace(id, size);
  ring.bytes += size;
}

void QuarantineTable::make_room(Ring& ring, std::uint64_t size) {
  while (!ring.sizes.empty() &&
         (ring.sizes.size() >= max_entries_ || ring.bytes + size > max_bytes_)) {
    erase(ring, ring.sizes.begin()->first);
  }
}

void QuarantineTable::remove(std::uint64_t id) {
  for (Ring& ring : rings_) {
    if (ring.sizes.contains(id)) erase(ring, id);
  }
}

void QuarantineTable::erase(Ring& ring, std::uint64_t id) {
  touched_ = true;
  delete_.run(id);
  const auto found = ring.sizes.find(id);
  ring.bytes -= found->second;
  ring.sizes.erase(found);
}

std::uint64_t QuarantineTable::count() const noexcept {
  return rings_[0].sizes.size() + rings_[1].sizes.size();
}

}  // namespace wxpush::queue
