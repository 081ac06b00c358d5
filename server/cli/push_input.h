#pragma once
// What verify, decrypt and encrypt are given: keys, and one push as it was captured. Both come in
// two forms: from the settings or from files; as URL and body, or part by part.

#include "crypto/wechat/push_codec.h"
#include "server/cli/command.h"

#include <string>

namespace wxpush::cli {

struct KeyOptions {
  std::string config;  // with app: the first form
  std::string app;
  std::string token_file;  // these three: the second form
  std::string encoding_aes_key_file;
  std::string appid;
};
void add_key_options(CLI::App& command, KeyOptions& options);

// CommandError 64 if the second form is not complete, 65 if a file cannot be used.
crypto::PushCodec codec_from(const KeyOptions& options);

struct CaptureOptions {
  std::string url;   // with its query: timestamp, nonce, msg_signature
  std::string body;  // a file, "-" for stdin
  std::string timestamp, nonce, msg_signature, encrypt;
};
void add_capture_options(CLI::App& command, CaptureOptions& options);

struct Capture {
  std::string timestamp, nonce, msg_signature, encrypt;
};
// What is given part by part counts before what URL and body say. CommandError 64 if a part is
// nowhere, 65 if the body is no envelope or has no Encrypt.
Capture capture_from(const CaptureOptions& options, std::istream& in);

}  // namespace wxpush::cli
