#pragma once
// Deadlines of all connections of one I/O thread, looked at every tick instead of one timer each:
// moving a deadline costs an assignment, and a request moves its own several times. Belongs to one
// thread.

#include "handlers/base/clock.h"

#include <boost/intrusive/list.hpp>

namespace wxpush::server {

class Deadlines {
 public:
  // How late a deadline may be noticed.
  static constexpr std::chrono::milliseconds tick{50};

  class Entry : public boost::intrusive::list_base_hook<
                    boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
   public:
    virtual ~Entry() = default;
    SteadyTime due = SteadyTime::max();
    virtual void on_due() = 0;    // once for each time that `due` was reached
    virtual void on_drain() = 0;  // finish what is being answered, then end
    virtual void on_abort() = 0;  // end now
  };

  void add(Entry& entry) { entries_.push_back(entry); }  // leaves the list when it is destroyed

  // The three below call no code that destroys entries: they only cancel what those wait for.
  void expire(SteadyTime now) {
    for (auto& entry : entries_) {
      if (entry.due > now) continue;
      entry.due = SteadyTime::max();
      entry.on_due();
    }
  }
  void drain() {
    for (auto& entry : entries_) entry.on_drain();
  }
  void abort() {
    for (auto& entry : entries_) entry.on_abort();
  }

 private:
  boost::intrusive::list<Entry, boost::intrusive::constant_time_size<false>> entries_;
};

}  // namespace wxpush::server
