#include "handlers/event/text.h"

#include <doctest/doctest.h>

using namespace wxpush::event;

TEST_CASE("lowering and comparing touch ASCII letters alone") {
  CHECK(ascii_lower("Update_WAYBILL_Status@[`{Ä") == "update_waybill_status@[`{Ä");
  CHECK(equal_ignoring_case("WayBillId", "waybillID"));
  CHECK_FALSE(equal_ignoring_case("a", "ab"));
  CHECK_FALSE(equal_ignoring_case("@", "`"));
  CHECK_FALSE(equal_ignoring_case("Ä", "ä"));
}

TEST_CASE("white space and one byte order mark are skipped in front") {
  CHECK(skip_leading(" \t\r\nx ") == "x ");
  CHECK(skip_leading(" \xEF\xBB\xBF x") == "x");
  CHECK(skip_leading("\xEF\xBB\xBF\xEF\xBB\xBFx") == "\xEF\xBB\xBFx");
  CHECK(skip_leading("\xEF\xBB") == "\xEF\xBB");
  CHECK(skip_leading("") == "");
}

TEST_CASE("trimming takes the white space of both sides") {
  CHECK(trim(" \n a b \t") == "a b");
  CHECK(trim(" \n") == "");
  CHECK(trim("\va\v") == "\va\v");
}

TEST_CASE("UTF-8 is what RFC 3629 says it is") {
  for (const auto* good :
       {"", "ascii", "é", "你好", "😀", "\xED\x9F\xBF", "\xEE\x80\x80", "\xF4\x8F\xBF\xBF"}) {
    CAPTURE(good);
    CHECK(is_utf8(good));
    CHECK(repair_utf8(good) == good);
  }
  for (const auto* bad :
       {"\x80", "\xC1\xBF", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80",
        "\xF5\x80\x80\x80", "\xC3", "\xE4\xBD", "\xF0\x9F\x98", "\xFF"}) {
    CAPTURE(bad);
    CHECK_FALSE(is_utf8(bad));
    CHECK(is_utf8(repair_utf8(bad)));
    CHECK(repair_utf8(bad).find("\xEF\xBF\xBD") == 0);
  }
}

TEST_CASE("a bad byte is found wherever it stands") {
  for (std::size_t position = 0; position < 20; ++position) {
    CAPTURE(position);
    std::string text(20, 'a');
    text[position] = '\xFF';
    CHECK_FALSE(is_utf8(text));
    CHECK(is_utf8(text.replace(position, 1, "é")));
  }
}

TEST_CASE("repair replaces byte by byte and keeps the good") {
  CHECK(repair_utf8("a\xFF\xFE你\xE4") == "a\xEF\xBF\xBD\xEF\xBF\xBD你\xEF\xBF\xBD");
}

TEST_CASE("JSON is repaired where half a surrogate pair is escaped, and nowhere else") {
  CHECK(repair_json(R"("\ud83d")") == R"("\ufffd")");
  CHECK(repair_json(R"("\ude00\ud83d")") == R"("\ufffd\ufffd")");
  CHECK(repair_json(R"("\ud83d\ude00")") == R"("\ud83d\ude00")");
  CHECK(repair_json(R"("\ud83d\ud83d\ude00")") == R"("\ufffd\ud83d\ude00")");
  CHECK(repair_json(R"("\\ud83d")") == R"("\\ud83d")");  // an escaped backslash, and letters
  CHECK(repair_json(R"("\ud83)") == R"("\ud83)");
  CHECK(repair_json("\\") == "\\");
  CHECK(repair_json("\"\xE5\x8D\"") == "\"\xEF\xBF\xBD\xEF\xBF\xBD\"");
}
