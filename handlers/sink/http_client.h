#pragma once
// The HTTP client of one back end: its connections, and one exchange over one of them. The http
// handler and forwarded routes share it.

#include "handlers/base/clock.h"
#include "handlers/base/url.h"
#include "handlers/sink/http_request.h"

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>

namespace wxpush::sink {

struct HttpPeer {
  Url url;                                         // where to; its path is the request's matter
  std::filesystem::path ca_file;                   // empty: the system's authorities
  std::filesystem::path certificate, private_key;  // the client's own; empty: none
  bool allow_private = true;     // may the name resolve to an address that is not public?
  std::size_t connections = 16;  // kept open
  std::uint64_t largest_answer = 64U << 10;  // of an answer's body
};

// A POST. Host, User-Agent (unless it is given) and Content-Length come from the client.
struct HttpRequest {
  std::string target;  // path and query
  Headers headers;
  std::string body;
};

struct HttpFailure {
  enum class Kind : std::uint8_t {
    unreachable,  // no name, no connection, no TLS
    broken,       // the connection ended, or what came over it is no HTTP
    late,         // the time was over, or the process ends
    too_large,    // more than largest_answer
  };
  Kind kind = Kind::broken;
  std::string error;  // for people; never empty
};

struct HttpAnswer {
  unsigned status = 0;                          // never an interim one (1xx)
  std::string content_type, retry_after, body;  // as sent; empty if absent
  std::optional<HttpFailure> incomplete;        // why the body is not whole; nothing: it is
};

using HttpResult = std::variant<HttpFailure, HttpAnswer>;

// The path and query of the URL, as a request's target.
std::string target_of(const Url& url);

class HttpClient {
 public:
  virtual ~HttpClient() = default;
  // Both on the io_context's thread only. `done` is called there exactly once, after this returned.
  // `timeout` bounds the whole exchange, connecting included. A kept connection that turns out to
  // be closed is replaced, so that a request may arrive twice.
  virtual void exchange(HttpRequest request, std::chrono::milliseconds timeout,
                        std::function<void(HttpResult)> done) = 0;
  // Cuts off what is under way, and closes what is kept. A name that is being looked up cannot be
  // cut off. For the end of the process: nothing may be begun afterwards.
  virtual void stop() = 0;
};

// Connections are kept for at most a minute each, so that a change of the name's address is
// followed. What is under way keeps the client alive. Throws std::runtime_error if the TLS files
// cannot be used.
std::shared_ptr<HttpClient> make_http_client(boost::asio::io_context& io, HttpPeer peer,
                                             Clock& clock);

}  // namespace wxpush::sink
