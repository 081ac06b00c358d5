#include "server/cli/output.h"

#include <doctest/doctest.h>

#include <sstream>

using namespace wxpush::cli;

TEST_CASE("columns line up, and no line ends in spaces") {
  std::ostringstream out;
  Table table(out, {"ID", "NAME", "NOTE"});
  table.add({"1", "long name", ""});
  table.add({"1000", "x", "y"});
  CHECK(out.str().empty());  // nothing before flush: it decides the widths
  table.flush();
  CHECK(out.str() ==
        "ID    NAME       NOTE\n"
        "1     long name\n"
        "1000  x          y\n");
}

TEST_CASE("a later page keeps the columns of the first and has no titles of its own") {
  std::ostringstream out;
  Table table(out, {"ID", "NAME"});
  table.add({"1000", "x"});
  table.flush();
  out.str("");
  table.add({"1", "y"});
  table.flush();
  CHECK(out.str() == "1     y\n");
}

TEST_CASE("widths count characters, not bytes") {
  std::ostringstream out;
  Table table(out, {"A", "B"});
  table.add({"é", "1"});
  table.add({"e", "2"});
  table.flush();
  CHECK(out.str() == "A  B\né  1\ne  2\n");
}

TEST_CASE("an empty list still says what its columns are") {
  std::ostringstream out;
  Table(out, {"A", "B"}).flush();
  CHECK(out.str() == "A  B\n");
}

TEST_CASE("what could command a terminal is not printed") {
  CHECK(printable("a\x1b[31mb\n\tc\x7f") == "a?[31mb??c?");
  CHECK(printable("\xc2\x9b"
                  "31m") == "?31m");  // the one-character form of ESC [
  CHECK(printable("配送 é") == "配送 é");
}

TEST_CASE("facts stand under each other") {
  std::ostringstream out;
  print_facts(out, {{"a", "1"}, {"long", "2\n3"}});
  CHECK(out.str() == "a     1\nlong  2?3\n");
}
