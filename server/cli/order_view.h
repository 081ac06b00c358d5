#pragma once
// An order's story as the commands show it (docs/cli.md, "Orders"). Riders' names and phones, and
// the carrier's free text, are masked unless `reveal`.

#include "server/order_query.h"

#include <iosfwd>
#include <string>
#include <vector>

namespace wxpush::cli {

// `orders list`: what became of it.
std::vector<std::string> order_titles();
std::vector<std::string> to_row(const server::OrderView& order);
std::string to_summary_json(const server::OrderView& order);  // one line

// `orders show`: every delivery with its steps.
void print_order(std::ostream& out, const server::OrderView& order, bool reveal);
std::string to_json(const server::OrderView& order, bool reveal);  // one line

}  // namespace wxpush::cli
