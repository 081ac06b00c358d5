#pragma once
// Rotation of the key of bodies: after a start with another key, or with the first one, seals what
// is stored anew, in slices that ride in other transactions. A start goes on from the oldest event;
// what is sealed already costs it a look. Owned by the writer thread.

#include "handlers/base/log.h"
#include "handlers/queue/body_key_table.h"
#include "handlers/queue/event_table.h"
#include "handlers/queue/meta.h"

namespace wxpush::queue {

class Resealer {
 public:
  Resealer(Meta& meta, EventTable& events, BodyKeyTable& keys, const BodyCipher& bodies, Log& log);

  bool active() const noexcept { return active_; }
  bool ready() const noexcept { return ready_; }  // a slice is to be written
  void look();                                    // outside a transaction: prepares a slice
  void write(std::int64_t now);                   // in a transaction
  void committed();

 private:
  Meta& meta_;
  EventTable& events_;
  BodyKeyTable& keys_;
  Log& log_;
  const std::uint32_t key_;
  bool active_ = false;
  bool ready_ = false;
  RowId after_ = 0;
  std::uint64_t sealed_ = 0, damaged_ = 0;
  EventTable::Bodies slice_;
};

}  // namespace wxpush::queue
