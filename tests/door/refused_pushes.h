#pragma once
// Pushes that must be refused, each for another reason, all of one size: what it costs to refuse
// them must tell nothing about the reason to whoever does not know it already.

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace wxpush::door {

struct RefusedPush {
  std::string_view name;
  // Those of one group cost the same. Into the second one comes only who knows the token, and he
  // knows in which one he is: the signature is his.
  enum class Group { bad_signature, not_for_us } group;
  std::string msg_signature, encrypt, body, query;
};

constexpr std::string_view appid = "wxba5fad812f8e6fb9";
constexpr std::string_view token = "AAAAA";
constexpr std::string_view encoding_aes_key = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";
constexpr std::string_view timestamp = "1714112445";
constexpr std::string_view nonce = "415670741";

std::vector<RefusedPush> refused_pushes();

// Whether the push is proved, decided as carelessly as it is often done: what differs first ends
// the look. The measure of a measurement: it has to show this.
bool careless_open(const RefusedPush& push);

}  // namespace wxpush::door
