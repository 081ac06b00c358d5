#pragma once
// The little of XML that an envelope needs. No general parser: nothing is expanded, nothing is
// looked up, and the time is linear in the length.

#include <optional>
#include <string>
#include <string_view>

namespace wxpush::event {

// The text of the first Encrypt element, a view into `xml`; empty if there is none. Its content is
// one CDATA section, taken as it is, or plain text, taken without the white space around it.
// Comments, CDATA sections and attributes elsewhere are stepped over and cannot pose as tags.
// nullopt: a DOCTYPE or other declaration, an entity or a child inside Encrypt, a construct that
// does not end, tags that do not balance, text beside the root. Names of closing tags are not
// compared, and what follows Encrypt is not looked at: msg_signature is what proves a push.
std::optional<std::string_view> find_encrypt(std::string_view xml);

// <name><![CDATA[text]]></name>
std::string cdata_element(std::string_view name, std::string_view text);

}  // namespace wxpush::event
