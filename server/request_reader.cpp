#include "server/request_reader.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <boost/beast/http/string_body.hpp>

#include <cassert>
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

}  // namespace

struct RequestReader::Impl {
  RequestLimits limits;
  std::optional<Parser> parser;
  State state = State::need_more;
  bool header_checked = false;
  Response refusal;

  explicit Impl(RequestLimits l) : limits(l) { reset(); }

  void reset() {
    parser.emplace();
    parser->eager(true);
    const auto header =
        std::min<std::uint64_t>(limits.max_header, std::numeric_limits<std::uint32_t>::max());
    parser->header_limit(static_cast<std::uint32_t>(header));
    parser->body_limit(limits.max_body);
    state = State::need_more;
    header_checked = false;
  }

  void stop(Response response) {
    refusal = std::move(response);
    state = State::refused;
  }

  // Beast bounds the header and the body, but not what stands between chunks: extensions and
  // trailers, of which it takes nothing before their end has come.
  void bound_chunk_framing(std::size_t untaken) {
    if (state == State::need_more && header_checked && untaken > limits.max_header)
      stop(refuse(431, "header too large\n"));
  }

  // One request, one meaning: where two framings could be read into it, it is refused, since a
  // proxy in front may have read the other one.
  void check_header() {
    header_checked = true;
    const auto& message = parser->get();
    const bool has_encoding = message.count(http::field::transfer_encoding) != 0;
    const bool has_length = message.count(http::field::content_length) != 0;
    if (message.version() != 11 && message.version() != 10)
      return stop(refuse(400, "malformed request\n"));
    if (message.count(http::field::content_length) > 1)
      return stop(refuse(400, "malformed request\n"));
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
    const bool expects = message.version() == 11 && !parser->is_done() &&
                         boost::beast::iequals(message[http::field::expect], "100-continue");
    if (expects) state = State::expects_continue;
  }
};

RequestReader::RequestReader(RequestLimits limits) : impl_(std::make_unique<Impl>(limits)) {}
RequestReader::~RequestReader() = default;
RequestReader::RequestReader(RequestReader&&) noexcept = default;

std::size_t RequestReader::feed(std::string_view bytes) {
  auto& impl = *impl_;
  std::size_t used = 0;
  // put() stops at the end of the header and at chunk borders: go on until it wants bytes we do not
  // have.
  while (impl.state == State::need_more && used < bytes.size()) {
    boost::system::error_code error;
    const auto n =
        impl.parser->put(boost::asio::buffer(bytes.data() + used, bytes.size() - used), error);
    used += n;
    if (impl.parser->is_header_done() && !impl.header_checked &&
        (!error || error == http::error::need_more)) {
      impl.check_header();
      if (impl.state == State::refused) return used;
    }
    if (error && error != http::error::need_more) {
      impl.stop(refusal_of(error));
      return used;
    }
    if (impl.parser->is_done()) {
      impl.state = State::done;
      return used;
    }
    if (error == http::error::need_more || n == 0) break;
  }
  impl.bound_chunk_framing(bytes.size() - used);
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
const Response& RequestReader::refusal() const noexcept {
  return impl_->refusal;
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
  request.forwarded_for = view(message["X-Forwarded-For"]);
  request.content_type = view(message[http::field::content_type]);
  return request;
}

}  // namespace wxpush::server
