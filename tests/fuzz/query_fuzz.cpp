// The query of a push, read in three ways that must agree.
#include "handlers/base/url.h"
#include "server/http.h"
#include "tests/fuzz/target.h"

using namespace wxpush;

namespace {

// As slow and plain as it gets: all pairs are looked at, the first that fits is decoded byte by
// byte.
std::optional<std::string> plainly(std::string_view query, const std::string& name) {
  const std::string padded = "&" + std::string(query) + "&";
  const auto begin = padded.find("&" + name + "=");
  if (begin == padded.npos) return std::nullopt;
  const auto at = begin + name.size() + 2;
  const std::string value = padded.substr(at, padded.find('&', at) - at);
  std::string decoded;
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (value[i] == '%') {
      const std::string digits = value.substr(i + 1, 2);
      if (digits.size() < 2 || digits.find_first_not_of("0123456789abcdefABCDEF") != digits.npos)
        return std::nullopt;
      decoded += static_cast<char>(std::stoi(digits, nullptr, 16));
      i += 2;
    } else {
      decoded += value[i];
    }
  }
  return decoded;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view query = fuzz::text_of(data, size);
  const auto lenient = query.find_first_of("%") == query.npos
                           ? parse_query(query)
                           : std::map<std::string, std::string>{};
  for (const char* name : {"msg_signature", "timestamp", "nonce", "echostr"}) {
    const auto value = server::query_parameter(query, name);
    fuzz::require(value == plainly(query, name));
    const auto found = lenient.find(name);
    // The commands' reader takes a name without '=' for an empty value.
    if (value && found != lenient.end() && !found->second.empty())
      fuzz::require(*value == found->second);
  }
  const std::string around = "a=%41&nonce=" + percent_encode(query) + "&nonce=other";
  fuzz::require(server::query_parameter(around, "nonce") == query);
  fuzz::require(percent_decode(percent_encode(query)) == query);
  return 0;
}
