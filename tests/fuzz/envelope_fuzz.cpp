// The first thing of ours that reads a stranger's bytes.
#include "handlers/event/envelope.h"
#include "tests/fuzz/target.h"

using namespace wxpush;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view body = fuzz::text_of(data, size);
  if (const auto envelope = event::read_envelope(body)) {
    const std::string& encrypt = envelope->encrypt;
    // Nothing is made up: only an escape can make the text differ from what was sent.
    fuzz::require(body.find(encrypt) != body.npos || body.find('\\') != body.npos);
    fuzz::require(encrypt.size() <= body.size());
    const std::string written = event::write_envelope(event::Format::json, "gh_1", encrypt);
    const auto again = event::read_envelope(written);
    fuzz::require(again.has_value());
    if (envelope->format == event::Format::json) fuzz::require(again->encrypt == encrypt);
    const auto xml =
        event::read_envelope(event::write_envelope(event::Format::xml, "gh_1", encrypt));
    // Only what ends a CDATA section early cannot be written in one.
    if (encrypt.find("]]>") == encrypt.npos) fuzz::require(xml && xml->encrypt == encrypt);
    const auto indented = event::read_envelope("\r\n " + std::string(body));
    fuzz::require(indented && indented->encrypt == encrypt && indented->format == envelope->format);
  }
  static_cast<void>(event::read_sealed_reply(body));
  return 0;
}
