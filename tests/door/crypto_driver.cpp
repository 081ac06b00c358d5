// Our crypto for comparisons: reads one task a line, writes one answer a line.
//   seal TOKEN ENCODING_AES_KEY APPID TIMESTAMP NONCE RANDOM16 MESSAGE → ENCRYPT MSG_SIGNATURE
//   open TOKEN ENCODING_AES_KEY APPID TIMESTAMP NONCE MSG_SIGNATURE ENCRYPT → ok MESSAGE, or no
// RANDOM16 and MESSAGE in base64; "=" for an empty message.
#include "crypto/primitives/base64.h"
#include "crypto/wechat/push_codec.h"

#include <algorithm>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <string>

using namespace wxpush::crypto;

namespace {

std::string decoded(const std::string& text) {
  return text == "=" ? std::string() : base64_decode(text).value();
}
std::string encoded(const std::string& bytes) {
  return bytes.empty() ? "=" : base64_encode(bytes);
}

std::string seal(const PushCodec& codec, const std::string& timestamp, const std::string& nonce,
                 const std::string& random, const std::string& message) {
  std::array<std::uint8_t, 16> random16{};
  const std::string bytes = decoded(random);
  std::copy_n(bytes.begin(), std::min(bytes.size(), random16.size()), random16.begin());
  const auto sealed = codec.seal(codec.keys()[0], random16, decoded(message), timestamp, nonce);
  return sealed.encrypt + " " + sealed.msg_signature;
}

std::string answer(const std::string& line) {
  std::istringstream words(line);
  std::string task, token, key, appid, timestamp, nonce, fifth, sixth;
  words >> task >> token >> key >> appid >> timestamp >> nonce >> fifth >> sixth;
  std::vector<PushKey> keys;
  keys.push_back(PushKey::make("k", token, key).value());
  const PushCodec codec(appid, std::move(keys));
  if (task == "seal") return seal(codec, timestamp, nonce, fifth, sixth);
  if (task != "open") throw std::runtime_error("no such task: " + task);
  const auto opened = codec.open(timestamp, nonce, fifth, sixth);
  return opened ? "ok " + encoded(opened->message) : "no";
}

}  // namespace

int main() {
  std::ios::sync_with_stdio(false);
  try {
    for (std::string line; std::getline(std::cin, line);) std::cout << answer(line) << '\n';
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
  return 0;
}
