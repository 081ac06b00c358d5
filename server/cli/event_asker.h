#pragma once
// Has something done with events of handlers: by the running server, through its socket, or, where
// none runs, in the store itself. In batches, so that any number of events may be meant; what was
// done is durable when it is told.

#include "config/settings.h"
#include "handlers/dispatch/requests.h"
#include "handlers/queue/queue.h"
#include "server/cli/command.h"
#include "server/cli/output.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace wxpush::cli {

class Maintenance;

class EventAsker {
 public:
  // All of it outlives the asker. Nothing is asked before the first batch is full or finish().
  EventAsker(const config::Settings& settings, queue::Reader& reader, dispatch::Ask ask,
             Streams& io);
  ~EventAsker();

  // CommandError: 65 the handler does not run or is not known, 69 the server does not answer, 75
  // another process has the store.
  void add(const std::string& handler, queue::RowId id);
  dispatch::Granted finish();

 private:
  void flush(const std::string& handler, std::vector<queue::RowId>& ids);
  bool ask_running_server(const std::string& handler, const std::vector<queue::RowId>& ids);
  void ask_store(const std::string& handler, const std::vector<queue::RowId>& ids);
  void tell_progress();

  const config::Settings& settings_;
  queue::Reader& reader_;
  const dispatch::Ask ask_;
  Streams& io_;
  std::map<std::string, std::vector<queue::RowId>> waiting_;  // by handler
  dispatch::Granted granted_;
  std::size_t told_ = 0;
  std::unique_ptr<Maintenance> maintenance_;  // once no server was found
};

// "12 offered again, 1 passed over: …", or {"done":12,"passed_over":1}.
void print_granted(std::ostream& out, Format format, const dispatch::Granted& granted,
                   const char* what);

}  // namespace wxpush::cli
