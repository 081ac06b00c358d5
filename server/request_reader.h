#pragma once
// Reads one HTTP request at a time out of whatever bytes arrive. No socket and no clock: the
// session feeds it. The parser is Beast's; the framing rules that keep requests from being smuggled
// are ours (docs/architecture.md, "HTTP").

#include "server/http.h"

#include <cstdint>
#include <memory>
#include <string_view>

namespace wxpush::server {

struct RequestLimits {
  std::uint64_t max_header = 16ULL * 1024;
  std::uint64_t max_body = 1024ULL * 1024;
};

class RequestReader {
 public:
  enum class State {
    need_more,         // feed more bytes
    expects_continue,  // the header is complete and the peer waits for "100 Continue" before it
                       // sends the body
    done,              // request() is complete
    refused,           // refusal() says why; the connection ends after it
  };

  explicit RequestReader(RequestLimits limits);
  ~RequestReader();
  RequestReader(RequestReader&&) noexcept;

  // Consumes from the front of `bytes` what belongs to this request; answers how much that was.
  // After `done` the rest belongs to the next request.
  std::size_t feed(std::string_view bytes);
  // After `expects_continue`: the interim answer was sent, go on.
  void continued();
  State state() const noexcept;
  bool header_done() const noexcept;
  std::size_t body_bytes() const noexcept;        // that are held of the body so far
  std::uint64_t promised_bytes() const noexcept;  // of the body in all; 0: nobody said, or not yet

  // Valid once done, until next().
  Request request() const;
  bool keep_alive() const noexcept;
  bool http_1_0() const noexcept;
  const Response& refusal() const noexcept;

  // Frees the body's memory; request() shows none from then on, and views of it are void.
  void drop_body() noexcept;

  // Begins with the next request on the same connection.
  void next();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace wxpush::server
