#include "handlers/sink/http_request.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace wxpush;
using namespace wxpush::sink;

namespace {

const WallTime now{std::chrono::milliseconds(1'700'000'000'123)};

Delivery delivery() {
  Delivery made;
  made.stored.event_id = *event::parse_event_id(std::string(64, 'a'));
  made.stored.app = "shop";
  made.stored.appid = "wxshop";
  made.stored.type = "update_waybill_status";
  made.stored.order_key = "wxshop/s/o";
  made.stored.kind = event::ContentKind::json;
  made.stored.received_at = now;
  made.stored.body = "{}";
  return made;
}

std::string header(const Headers& headers, std::string_view name) {
  const auto found = std::ranges::find(headers, name, &Headers::value_type::first);
  return found == headers.end() ? "absent" : found->second;
}

}  // namespace

TEST_CASE("every secret signs, in the form of Standard Webhooks") {
  auto made = delivery();
  made.stored.body = R"({"test": 2432232314})";
  const auto headers =
      http_headers(made, {"key one, of 24 bytes....", "key two, of 24 bytes...."}, now);
  const auto signature = header(headers, "webhook-signature");
  CHECK(header(headers, "webhook-timestamp") == "1700000000");
  CHECK(signature.starts_with("v1,f/QqlQjE2PWmuekDvpgh5Rxpdcx55jBLM58kb2sGhew= "));
  CHECK(signature.find(" v1,") != std::string::npos);  // each secret signs
  CHECK(header(http_headers(made, {}, now), "webhook-signature") == "absent");
}

TEST_CASE("nothing that a sender chose can end a header or begin another") {
  auto made = delivery();
  made.stored.order_key = "wxshop/s/o\r\nx-evil: 1\"%单";
  made.stored.type = "a\r\nb";
  for (const auto& [name, value] : http_headers(made, {}, now)) {
    CAPTURE(name);
    CHECK(std::ranges::all_of(value, [](char c) { return c >= 0x20 && c < 0x7F; }));
  }
  CHECK(header(http_headers(made, {}, now), "ce-subject") ==
        "wxshop/s/o%0D%0Ax-evil:%201%22%25%E5%8D%95");
}

TEST_CASE("marks, attempt and time are told; what there is not is left out") {
  auto made = delivery();
  CHECK(header(http_headers(made, {}, now), "ce-time") == "2023-11-14T22:13:20.123Z");
  CHECK(header(http_headers(made, {}, now), "wxpush-stale") == "absent");
  CHECK(header(http_headers(made, {}, now), "wxpush-repeat-of") == "absent");
  made.marks = {true, 7};
  made.attempt = 3;
  made.stored.event_time = WallTime{std::chrono::seconds(1'600'000'000)};
  made.stored.order_key.clear();
  const auto headers = http_headers(made, {}, now);
  CHECK(header(headers, "ce-time") == "2020-09-13T12:26:40.000Z");
  CHECK(header(headers, "wxpush-stale") == "1");
  CHECK(header(headers, "wxpush-repeat-of") == "7");
  CHECK(header(headers, "wxpush-attempt") == "3");
  CHECK(header(headers, "ce-subject") == "absent");
}
