#pragma once
// A fresh Token and EncodingAESKey in the form that WeChat's console takes.

#include "config/secret.h"
#include "crypto/primitives/random.h"

namespace wxpush::cli {

struct FreshKeys {
  config::Secret token;             // 32 letters and digits: the longest the console takes
  config::Secret encoding_aes_key;  // 43 letters and digits: 256 bits as base64 without '='
};
FreshKeys make_fresh_keys(crypto::Random& random);

}  // namespace wxpush::cli
