#pragma once
// Printing events as they come.

#include "server/cli/event_query.h"
#include "server/cli/output.h"

#include <cstddef>
#include <functional>
#include <iosfwd>

namespace wxpush::cli {

class EventPrinter {
 public:
  EventPrinter(std::ostream& out, Format format, bool reveal);
  void event(const EventView& view);
  void known(const queue::Repeat& repeat);  // a push that came again
  void flush();

 private:
  std::ostream& out_;
  Format format_;
  bool reveal_;
  Table table_;
};

// Prints the newest `first` matches, then every new one and every repeated push of a match. `wait`
// is called when there is nothing new and answers whether to look again.
void follow(queue::Reader& reader, const EventQuery& query, std::size_t first,
            EventPrinter& printer, const std::function<bool()>& wait);

}  // namespace wxpush::cli
