#pragma once
// HTTP as the endpoints see it: plain values without a socket. Reading requests off the wire is
// request_reader's, writing them session's.

#include <optional>
#include <string>
#include <string_view>

namespace wxpush::server {

enum class Method { get, head, post, other };

// Views into the session's buffers: valid while the request is being answered, its body only until
// it is decided how.
struct Request {
  Method method = Method::other;
  std::string_view path;   // as sent, up to '?', not decoded
  std::string_view query;  // after '?'
  std::string_view body;
  std::string_view forwarded_for;      // X-Forwarded-For as sent
  std::string_view content_type = {};  // as sent; empty if absent
};

// Its views are of static storage, or of what stays until the response is written.
struct Response {
  int status = 200;
  std::string_view content_type = "text/plain; charset=utf-8";  // empty: none
  std::string body;
  std::string_view allow;        // of 405
  std::string_view retry_after;  // of 503
  bool close = false;            // the connection cannot go on after this
};

// The first parameter of that name in a query, %XX decoded once; '+' stays '+' (base64 is sent with
// it). nullopt if it is absent or its escapes are broken.
std::optional<std::string> query_parameter(std::string_view query, std::string_view name);

// The bytes on the wire. No Date, no Server: equal answers are equal byte for byte.
std::string to_wire(const Response& response, bool keep_alive, bool http_1_0, bool head);

std::string_view reason_phrase(int status);

}  // namespace wxpush::server
