#pragma once
// Which check of a push fails, step by step in the order in which a receiver makes them. A receiver
// tells nobody; this is for the owner of the keys.

#include "crypto/wechat/push_codec.h"
#include "server/cli/push_input.h"

#include <string>
#include <vector>

namespace wxpush::cli {

struct CheckStep {
  std::string name;  // signature, base64, length, padding, layout, appid
  bool good = false;
  std::string words;
};

struct PushCheck {
  std::vector<CheckStep> steps;  // up to and including the first that failed
  std::string message;           // the decrypted bytes, if all are good
  bool good() const { return steps.back().good; }
};

PushCheck check_push(const crypto::PushCodec& codec, const Capture& capture);

}  // namespace wxpush::cli
