#pragma once
// Acting as WeChat towards a push URL: sealing a message into a request, and reading the answer.

#include "config/settings.h"
#include "crypto/primitives/random.h"
#include "crypto/wechat/push_codec.h"
#include "server/cli/http_client.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace CLI {
class App;
}

namespace wxpush::cli {

// --url, --insecure and --ca-file, as trigger and bench take them.
struct TargetOptions {
  std::string url;
  bool insecure = false;
  std::string ca_file;
};
void add_target(CLI::App& command, TargetOptions& options);

struct PushTarget {
  Url url;
  Trust trust;
};

// Where pushes of this app go, and whom to believe there. Without --url: the first address of our
// own settings, by way of this machine, believing the certificate that the settings name. A URL of
// a unix socket gets the app's first path. CommandError 64.
PushTarget push_target(const TargetOptions& options, const config::Settings& settings,
                       const config::App& app);

// The app's keys, newest first. CommandError 78 if one cannot be used.
crypto::PushCodec make_codec(const config::App& app);

// What the query of a push holds, and its body.
struct SealedPush {
  std::string query;  // signature, timestamp, nonce, openid, encrypt_type, msg_signature
  std::string body;   // {"ToUserName":…,"Encrypt":…}
};
struct PushStamp {
  std::string timestamp;  // Unix seconds
  std::string nonce;
};
PushStamp make_stamp(crypto::Random& random, std::int64_t now);
struct PushNames {
  std::string to_user_name;
  std::string openid;
};
PushNames names_in(const crypto::PushCodec& codec, std::string_view message);
// Under the codec's first key.
SealedPush seal_push(const crypto::PushCodec& codec, crypto::Random& random,
                     std::string_view message, const PushNames& names, const PushStamp& stamp);

// Of the GET by which WeChat verifies a URL; the echo is alphanumeric.
std::string handshake_query(const crypto::PushCodec& codec, const PushStamp& stamp,
                            std::string_view echo);

HttpRequest push_request(const PushTarget& target, const SealedPush& push);

// Whether WeChat would be content with this answer to a push, and in words why.
struct Judgement {
  bool acknowledged = false;
  std::string words;  // "reply sealed and signed: update_waybill_status, resultcode 0"
};
Judgement judge(const crypto::PushCodec& codec, const HttpAnswer& answer);

}  // namespace wxpush::cli
