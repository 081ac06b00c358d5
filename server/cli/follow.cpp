#include "server/cli/follow.h"

#include "handlers/event/json.h"
#include "server/cli/time_text.h"

#include <algorithm>
#include <ostream>

namespace wxpush::cli {
namespace {

bool selected(queue::Reader& reader, const EventQuery& query, queue::RowId id) {
  EventQuery one = query;
  one.filter.after = id - 1;
  one.filter.until = id;
  bool found = false;
  for_each(
      reader, one, [&](const EventView&) { found = true; }, [] {});
  return found;
}

// Every repeated push after `sequence`; moves it on.
template <class Show>
void for_each_repeat(queue::Reader& reader, std::uint64_t& sequence, Show show) {
  while (true) {
    const auto page = reader.repeats(sequence);
    if (page.empty()) return;
    for (const queue::Repeat& repeat : page) show(repeat);
    sequence = page.back().sequence;
  }
}

}  // namespace

EventPrinter::EventPrinter(std::ostream& out, Format format, bool reveal)
    : out_(out), format_(format), reveal_(reveal), table_(out, event_titles()) {}

void EventPrinter::event(const EventView& view) {
  if (format_ == Format::json) {
    out_ << to_json(view, reveal_) << '\n';
  } else {
    table_.add(to_row(view));
  }
}

void EventPrinter::known(const queue::Repeat& repeat) {
  const std::string event_id = event::to_string(repeat.event_id);
  if (format_ == Format::json) {
    event::JsonWriter json;
    json.begin_object().key("known").string(event_id);
    json.key("id").integer(static_cast<std::int64_t>(repeat.id));
    json.key("seen").integer(repeat.seen).key("at").string(to_text(repeat.at)).end_object();
    out_ << json.take() << '\n';
  } else {
    table_.flush();
    out_ << "known [" << event_id << "], seen " << repeat.seen << " times, not delivered again\n";
  }
}

void EventPrinter::flush() {
  if (format_ == Format::table) table_.flush();
  out_.flush();
}

void follow(queue::Reader& reader, const EventQuery& query, std::size_t first,
            EventPrinter& printer, const std::function<bool()>& wait) {
  std::uint64_t sequence = 0;
  for_each_repeat(reader, sequence, [](const queue::Repeat&) {});
  EventQuery ahead = query;
  ahead.filter.after = reader.last_id();
  for (const queue::RowId id : newest(reader, query, first)) {
    const auto event = id <= ahead.filter.after ? reader.find(id) : std::nullopt;
    const auto view = event ? match(reader, query, *event) : std::nullopt;
    if (view) printer.event(*view);
  }
  printer.flush();
  do {
    ahead.filter.after = for_each(
        reader, ahead, [&](const EventView& view) { printer.event(view); },
        [&] { printer.flush(); });
    for_each_repeat(reader, sequence, [&](const queue::Repeat& repeat) {
      if (selected(reader, query, repeat.id)) printer.known(repeat);
    });
    printer.flush();
  } while (wait());
}

}  // namespace wxpush::cli
