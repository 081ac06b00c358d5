#pragma once
// Whose TLS handshake begins next. Belongs to one I/O thread.
//
// A handshake takes more processor time than all else that is done for a push. So in a rush (a
// worker that was just started, on a busy machine) what is begun decides who is served at all, and
// a handshake with somebody who gives up meanwhile is time taken from those who still wait:
// - One begins in each turn of the thread. What is under way (the rest of a handshake, requests,
//   answers) comes first, so that what was begun is also finished.
// - In the order of arrival while nobody has waited for a second. Then the newest first: it has
//   most of its patience left. In the order of arrival everybody would be served when his patience
//   is nearly over, and then nobody in time.
// - Whose peer has closed is dropped: when its turn comes, and at each tick of those that wait.
// Nobody holds a place: who has sent nothing does not stand here, and who goes silent once begun
// takes no processor time, and is cut by handshake_timeout. There is no count of handshakes under
// way that such peers could fill; max_connections bounds their memory.

#include "handlers/base/clock.h"

#include <boost/asio/io_context.hpp>
#include <boost/intrusive/list.hpp>

namespace wxpush::server {

class HandshakeTurns {
 public:
  using Hook =
      boost::intrusive::list_base_hook<boost::intrusive::tag<HandshakeTurns>,
                                       boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;
  class Entry : public Hook {
   public:
    virtual ~Entry() = default;
    virtual int descriptor() = 0;  // of its socket; -1 once it is closed
    // Once, and it waits no more. Destroys no entry.
    virtual void on_turn(bool peer_is_there) = 0;

   private:
    friend HandshakeTurns;
    SteadyTime waits_since_{};
  };

  HandshakeTurns(boost::asio::io_context& context, Clock& clock)
      : context_(context), clock_(clock) {}

  void wait(Entry& entry);  // until its turn, or until it is destroyed
  void drop_gone();

 private:
  void call_later();
  void call_next();
  Entry& next();

  boost::asio::io_context& context_;
  Clock& clock_;
  boost::intrusive::list<Entry, boost::intrusive::base_hook<Hook>,
                         boost::intrusive::constant_time_size<false>>
      waiting_;  // the newest in front
  bool called_ = false;
};

}  // namespace wxpush::server
