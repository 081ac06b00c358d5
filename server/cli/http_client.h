#pragma once
// One HTTP/1.1 request at a time, each on a connection of its own, with one deadline for all of it:
// finding the host, connecting, TLS, sending and reading the answer.

#include "handlers/base/url.h"

#include <chrono>
#include <functional>
#include <string>

namespace wxpush::cli {

// Whom a https connection believes.
struct Trust {
  std::string ca_file;    // empty: the system's authorities
  bool insecure = false;  // nobody is asked
};

struct HttpRequest {
  std::string method = "GET";
  Url url;  // of a unix socket: the path is the target's
  std::string content_type;
  std::string body;
  Trust trust;
  std::chrono::milliseconds timeout{5000};
};

struct HttpAnswer {
  std::string failure;     // why there is no answer: "timeout", "connection refused" …
  bool no_server = false;  // there was nobody to connect to
  bool forbidden = false;  // the operating system did not let us connect
  int status = 0;
  std::string body;
  std::chrono::milliseconds took{0};
};

// How the commands reach a server; tests put their own in its place.
using Transport = std::function<HttpAnswer(const HttpRequest&)>;

// The real one. Throws std::runtime_error if the CA file cannot be used; every other failure is an
// answer. Bodies above 64 MiB are a failure.
HttpAnswer send_http(const HttpRequest& request);

}  // namespace wxpush::cli
