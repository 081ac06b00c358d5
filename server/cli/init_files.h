#pragma once
// What `wxpush init` writes: the text of a first configuration, as pure functions.

#include "handlers/base/url.h"

#include <string>
#include <vector>

namespace wxpush::cli {

struct InitOptions {
  std::string appid;
  std::string url;  // the public one; without a path, /wx/NAME is meant
  std::string name = "shop";
  std::string directory = ".";
  std::string store = "/var/lib/wxpush";
  std::string listen = "0.0.0.0:8443";
  std::string log_format = "json";
  bool no_tls = false;
};

// `url` with the path that WeChat is to push to. CommandError 64 if it is no http(s) URL.
Url push_url(const InitOptions& options);

// The text of wxpush.toml. Paths in it are relative to the file: secrets/NAME_token,
// secrets/NAME_aes_key, tls/cert.pem, tls/key.pem.
std::string settings_text(const InitOptions& options, const Url& url);

// The names that the self-signed certificate is for.
std::vector<std::string> certificate_names(const Url& url);

}  // namespace wxpush::cli
