#pragma once
// Messages like WeChat's, for `trigger` and `bench` (docs/protocol.md, "update_waybill_status").

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace wxpush::cli {

// What every order that we make up begins with, so that nobody takes it for a customer's.
constexpr std::string_view test_prefix = "wxpush-test-";

// An ordered JSON object whose fields can be set by name.
class TestMessage {
 public:
  // `update_waybill_status` gets every field that WeChat documents (a rider was assigned, 102), any
  // other event the common ones. `unique` names the order and the waybill; `now` in Unix seconds.
  TestMessage(std::string_view event, std::string_view unique, std::int64_t now);

  // "key=value": a value that is JSON stays what it is (101, true, {}, "101"), all else is text. A
  // dotted key reaches inside: agent.name. CommandError 64 if there is no '=' or no key.
  void set(std::string_view assignment);

  std::string text() const;

 private:
  struct Field {
    std::string name;
    std::string json;  // a complete value, unless it has children
    std::vector<Field> children;
  };
  Field& field(std::string_view path);
  void set_text(std::string_view path, std::string_view value);
  void set_number(std::string_view path, std::int64_t value);
  static std::string json_of(const Field& field);

  Field root_;
};

}  // namespace wxpush::cli
