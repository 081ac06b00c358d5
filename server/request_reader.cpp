#include "server/request_reader.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <boost/beast/http/string_body.hpp>

#include <algorithm>
#include <cassert>
#include <functional>
#include <iterator>
#include <limits>
#include <optional>

namespace wxpush::server {
namespace {

namespace http = boost::beast::http;
using Parser = http::request_parser<http::string_body>;

std::string_view view(boost::beast::string_view text) {
  return {text.data(), text.size()};
}

Response refuse(int status, std::string_view text) {
  Response response;
  response.status = status;
  response.body = text;
  response.close = true;
  return response;
}

Response refusal_of(const boost::system::error_code& error) {
  if (error == http::error::header_limit) return refuse(431, "header too large\n");
  if (error == http::error::body_limit) return refuse(413, "body too large\n");
  return refuse(400, "malformed request\n");
}

// A line that goes on behind white space (obs-fold), which the parser would join to one.
bool is_folded(std::string_view lines) {
  for (auto end = lines.find("\r\n"); end != lines.npos; end = lines.find("\r\n", end + 2)) {
    if (end + 2 < lines.size() && (lines[end + 2] == ' ' || lines[end + 2] == '\t')) return true;
  }
  return false;
}

// Nothing in a chunk's extensions may look like the end of a line to somebody else.
bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t') || byte == 0x7F;
  });
}

// A chunk's line that ends within a quoted string. The parser looks for the closing quote behind
// the line, and takes the chunk's size off the body's limit again each time it has to wait for
// more.
bool ends_quoted(std::string_view bytes) {
  if (bytes.starts_with("\r\n")) bytes.remove_prefix(2);  // of the chunk before
  const auto end = bytes.find("\r\n");
  if (end == bytes.npos) return false;
  bool quoted = false;
  for (std::size_t i = 0; i < end; ++i) {
    if (bytes[i] == '"') quoted = !quoted;
    if (quoted && bytes[i] == '\\') ++i;
  }
  return quoted;
}

}  // namespace

struct RequestReader::Impl {
  RequestLimits limits;
  std::optional<Parser> parser;
  State state = State::need_more;
  std::uint64_t header_bytes = 0;
  std::ptrdiff_t header_fields = 0;
  bool chunk_begun = false;   // by the last step of the parser
  std::string forwarded_for;  // of all lines
  Response refusal;
  // The parser keeps a reference to it.
  std::function<void(std::uint64_t, boost::beast::string_view, boost::system::error_code&)>
      on_chunk = [this](auto, auto extensions, auto& error) {
        chunk_begun = true;
        if (has_control(view(extensions))) error = http::error::bad_chunk_extension;
      };

  explicit Impl(RequestLimits l) : limits(l) { reset(); }

  void reset() {
    parser.emplace();
    // One step at a time: it stops at the end of the header, and at the end of a chunk's line.
    parser->eager(false);
    parser->on_chunk_header(on_chunk);
    const auto header =
        std::min<std::uint64_t>(limits.max_header, std::numeric_limits<std::uint32_t>::max());
    parser->header_limit(static_cast<std::uint32_t>(header));
    parser->body_limit(limits.max_body);
    state = State::need_more;
    header_bytes = 0;
  }

  void stop(Response response) {
    refusal = std::move(response);
    state = State::refused;
  }

  // Beast's limit is one for what it has not taken yet, and it takes line by line: a header that
  // comes in pieces would have none.
  void check_taken(std::string_view lines) {
    header_bytes += lines.size();
    if (header_bytes > limits.max_header) return stop(refuse(431, "header too large\n"));
    if (is_folded(lines)) stop(refuse(400, "malformed request\n"));
  }

  // Beast bounds the body, but not what stands between chunks: extensions and trailers. They are
  // bounded like a header, whether they came whole or in pieces.
  void bound_chunk_framing(std::size_t size) {
    if (size > limits.max_header) stop(refuse(431, "header too large\n"));
  }

  // What the parser waits for the rest of.
  void check_waiting(std::string_view bytes) {
    bound_chunk_framing(bytes.size());
    if (ends_quoted(bytes)) stop(refuse(400, "malformed request\n"));
  }

  // Trailers would join the header's fields, and nobody who sends pushes sends any.
  void check_trailers() {
    const auto& message = parser->get();
    if (std::distance(message.begin(), message.end()) != header_fields)
      stop(refuse(400, "malformed request\n"));
  }

  // A proxy may add a line of its own instead of adding to the one that came: the last one is the
  // nearest.
  void join_forwarded_for() {
    forwarded_for.clear();
    const auto [begin, end] = parser->get().equal_range("X-Forwarded-For");
    for (auto line = begin; line != end; ++line) {
      if (line != begin) forwarded_for += ", ";
      forwarded_for += view(line->value());
    }
  }

  // One request, one meaning: where two framings could be read into it, it is refused, since a
  // proxy in front may have read the other one.
  void check_header(bool body_has_begun) {
    const auto& message = parser->get();
    header_fields = std::distance(message.begin(), message.end());
    const bool has_encoding = message.count(http::field::transfer_encoding) != 0;
    const bool has_length = message.count(http::field::content_length) != 0;
    if (message.version() != 11 && message.version() != 10)
      return stop(refuse(400, "malformed request\n"));
    if (message.count(http::field::content_length) > 1 ||
        view(message[http::field::content_length]).find_first_not_of("0123456789") !=
            std::string_view::npos) {
      return stop(refuse(400, "malformed request\n"));  // also a list: "5, 5"
    }
    if (has_encoding) {
      const bool only_chunked =
          message.count(http::field::transfer_encoding) == 1 &&
          boost::beast::iequals(message[http::field::transfer_encoding], "chunked");
      if (has_length || message.version() == 10 || !only_chunked) {
        return stop(refuse(400, "malformed request\n"));
      }
    }
    if (message.method() == http::verb::post && !has_encoding && !has_length) {
      return stop(refuse(411, "length required\n"));
    }
    if (const auto length = parser->content_length(); length && *length > limits.max_body) {
      return stop(refuse(413, "body too large\n"));
    }
    join_forwarded_for();
    const bool expects = message.version() == 11 && !parser->is_done() && !body_has_begun &&
                         boost::beast::iequals(message[http::field::expect], "100-continue");
    if (expects) state = State::expects_continue;
  }

  // Hands on what came to the parser, once; answers how much it took. 0: it wants more.
  std::size_t step(std::string_view bytes) {
    const bool in_header = !parser->is_header_done();
    // Beast asserts that a last chunk does not come in pieces below that: "0\r\n\r\n", which is the
    // least that is left of a body in chunks before its end.
    constexpr std::size_t last_chunk = 5;
    if (!in_header && parser->chunked() && bytes.size() < last_chunk) return 0;
    chunk_begun = false;
    boost::system::error_code error;
    const auto taken = parser->put(boost::asio::buffer(bytes.data(), bytes.size()), error);
    const bool waits = error == http::error::need_more;
    if (error && !waits) {
      stop(refusal_of(error));
      return taken;
    }
    if (in_header) check_taken(bytes.substr(0, taken));
    if (chunk_begun) bound_chunk_framing(taken);
    if (waits && !in_header) check_waiting(bytes.substr(taken));
    if (state == State::need_more && in_header && parser->is_header_done())
      check_header(taken < bytes.size());
    if (state == State::need_more && parser->is_done()) {
      check_trailers();
      if (state == State::need_more) state = State::done;
    }
    return taken;
  }
};

RequestReader::RequestReader(RequestLimits limits) : impl_(std::make_unique<Impl>(limits)) {}
RequestReader::~RequestReader() = default;
RequestReader::RequestReader(RequestReader&&) noexcept = default;

std::size_t RequestReader::feed(std::string_view bytes) {
  std::size_t used = 0;
  while (impl_->state == State::need_more && used < bytes.size()) {
    const auto taken = impl_->step(bytes.substr(used));
    used += taken;
    if (taken == 0) break;
  }
  return used;
}

void RequestReader::continued() {
  assert(impl_->state == State::expects_continue);
  impl_->state = State::need_more;
}

RequestReader::State RequestReader::state() const noexcept {
  return impl_->state;
}
bool RequestReader::header_done() const noexcept {
  return impl_->parser->is_header_done();
}
std::size_t RequestReader::body_bytes() const noexcept {
  return impl_->parser->get().body().size();
}
std::uint64_t RequestReader::promised_bytes() const noexcept {
  return header_done() ? impl_->parser->content_length().value_or(0) : 0;
}
const Response& RequestReader::refusal() const noexcept {
  return impl_->refusal;
}
void RequestReader::drop_body() noexcept {
  std::string().swap(impl_->parser->get().body());  // assigning an empty one would keep the memory
}
bool RequestReader::http_1_0() const noexcept {
  return impl_->parser->get().version() == 10;
}
bool RequestReader::keep_alive() const noexcept {
  return impl_->parser->get().keep_alive();
}
void RequestReader::next() {
  impl_->reset();
}

Request RequestReader::request() const {
  const auto& message = impl_->parser->get();
  Request request;
  switch (message.method()) {
    case http::verb::get:
      request.method = Method::get;
      break;
    case http::verb::head:
      request.method = Method::head;
      break;
    case http::verb::post:
      request.method = Method::post;
      break;
    default:
      break;
  }
  const auto target = view(message.target());
  const auto question = target.find('?');
  request.path = target.substr(0, question);
  if (question != std::string_view::npos) request.query = target.substr(question + 1);
  request.body = message.body();
  request.forwarded_for = impl_->forwarded_for;
  request.content_type = view(message[http::field::content_type]);
  return request;
}

}  // namespace wxpush::server
