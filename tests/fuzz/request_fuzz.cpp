// HTTP requests off the wire, cut at places that the fuzzer chooses: what is read must not depend
// on them. The input: a byte that says how many cuts follow, as many bytes (each the length of a
// piece), and the wire.
#include "server/request_reader.h"
#include "tests/fuzz/target.h"

#include <algorithm>
#include <string>
#include <vector>

using namespace wxpush;
using server::RequestReader;
using State = RequestReader::State;

namespace {

constexpr server::RequestLimits limits{512, 256};

struct Seen {
  std::vector<std::string> requests;
  bool refused = false;
  bool waits = false;  // in the middle of a header
};

// The parser may wait for the end of a header before it looks at what has come of it.
bool agree(const Seen& one, const Seen& other) {
  const bool later = (one.refused && other.waits) || (other.refused && one.waits);
  return one.requests == other.requests && (one.refused == other.refused || later);
}

std::string shown(const RequestReader& reader) {
  const auto request = reader.request();
  std::string text;
  for (const auto part :
       {request.path, request.query, request.body, request.forwarded_for, request.content_type})
    text.append(part).append(1, '\0');
  text += std::to_string(static_cast<int>(request.method));
  return text + (reader.keep_alive() ? "k" : "c") + (reader.http_1_0() ? "0" : "1");
}

// A connection as the session reads it: what is not used up stays before what comes next.
class Reading {
 public:
  void receive(std::string_view bytes) {
    buffer_ += bytes;
    while (!seen.refused) {
      buffer_.erase(0, reader_.feed(buffer_));
      if (reader_.state() == State::expects_continue) {
        reader_.continued();
      } else if (reader_.state() == State::done) {
        check_meaning();
        seen.requests.push_back(shown(reader_));
        reader_.next();
      } else {
        seen.refused = reader_.state() == State::refused;
        seen.waits = reader_.state() == State::need_more && !reader_.header_done();
        break;
      }
    }
    if (seen.refused) check_refusal();
    fuzz::require(seen.refused || buffer_.size() <= 2 * limits.max_header + limits.max_body);
  }

  Seen seen;

 private:
  void check_meaning() const {
    const auto request = reader_.request();
    fuzz::require(request.body.size() <= limits.max_body);
    fuzz::require(request.path.size() + request.query.size() <= limits.max_header);
    fuzz::require(request.forwarded_for.find_first_of("\r\n") == std::string_view::npos);
  }
  void check_refusal() const {
    const auto& refusal = reader_.refusal();
    fuzz::require(refusal.close && refusal.status >= 400 && refusal.status < 500);
  }

  RequestReader reader_{limits};
  std::string buffer_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = fuzz::text_of(data, size);
  const std::size_t cuts = size == 0 ? 0 : std::min<std::size_t>(data[0], size - 1);
  const std::string_view wire = input.substr(std::min(size, cuts + 1));

  Reading whole;
  whole.receive(wire);
  Reading in_pieces;
  std::string_view rest = wire;
  for (std::size_t i = 1; i <= cuts; ++i) {
    in_pieces.receive(rest.substr(0, data[i]));
    rest.remove_prefix(std::min<std::size_t>(data[i], rest.size()));
  }
  in_pieces.receive(rest);
  fuzz::require(agree(in_pieces.seen, whole.seen));

  Reading by_bytes;
  for (const char byte : wire) by_bytes.receive({&byte, 1});
  fuzz::require(agree(by_bytes.seen, whole.seen));
  return 0;
}
