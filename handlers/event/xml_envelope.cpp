#include "handlers/event/xml_envelope.h"

#include "handlers/event/text.h"

namespace wxpush::event {

namespace {

constexpr std::string_view kCdataStart = "<![CDATA[";
constexpr std::string_view kCdataEnd = "]]>";

// Steps over `rest` up to and including `end`; what lay before `end`, or nullopt if it does not
// come.
std::optional<std::string_view> take_until(std::string_view& rest, std::string_view end) {
  const auto position = rest.find(end);
  if (position == rest.npos) return std::nullopt;
  const auto taken = rest.substr(0, position);
  rest.remove_prefix(position + end.size());
  return taken;
}

bool take_prefix(std::string_view& rest, std::string_view prefix) {
  if (!rest.starts_with(prefix)) return false;
  rest.remove_prefix(prefix.size());
  return true;
}

// A start tag behind its '<': what stands before its '>', which may also occur in quoted
// attributes.
std::optional<std::string_view> take_tag(std::string_view& rest) {
  char quote = 0;
  for (std::size_t i = 0; i < rest.size(); ++i) {
    const char c = rest[i];
    if (quote != 0) {
      if (c == quote) quote = 0;
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '>') {
      const auto tag = rest.substr(0, i);
      rest.remove_prefix(i + 1);
      return tag;
    } else if (c == '<') {
      return std::nullopt;
    }
  }
  return std::nullopt;
}

std::string_view name_of(std::string_view tag) {
  std::size_t length = 0;
  while (length < tag.size() && !is_space(tag[length]) && tag[length] != '/') ++length;
  return tag.substr(0, length);
}

std::optional<std::string_view> read_encrypt(std::string_view rest) {
  std::optional<std::string_view> text;
  auto content = skip_spaces(rest);
  if (take_prefix(content, kCdataStart)) {
    text = take_until(content, kCdataEnd);
    rest = skip_spaces(content);
    if (!text || !take_prefix(rest, "<")) return std::nullopt;
  } else {
    text = take_until(rest, "<");
    if (!text || text->find('&') != text->npos) return std::nullopt;
    text = trim(*text);
  }
  const auto closing = take_until(rest, ">");
  return closing && trim(*closing) == "/Encrypt" ? text : std::nullopt;
}

class Scanner {
 public:
  explicit Scanner(std::string_view xml) : rest_(xml) {}

  std::optional<std::string_view> find_encrypt() {
    for (;;) {
      const auto text = rest_.substr(0, rest_.find('<'));
      if (depth_ == 0 && !trim(text).empty()) return std::nullopt;
      rest_.remove_prefix(text.size());
      if (rest_.empty()) return done();
      if (const auto tag = step(); !tag) {
        return std::nullopt;
      } else if (name_of(*tag) == "Encrypt") {
        return tag->ends_with('/') ? std::string_view{} : read_encrypt(rest_);
      }
    }
  }

 private:
  // Steps over one construct, at whose '<' we stand: its tag if it opens an element, else an empty
  // one.
  std::optional<std::string_view> step() {
    const auto nothing = [](const auto& taken) {
      return taken ? std::optional(std::string_view{}) : std::nullopt;
    };
    if (take_prefix(rest_, "<!--")) return nothing(take_until(rest_, "-->"));
    if (take_prefix(rest_, "<?")) return nothing(take_until(rest_, "?>"));
    if (depth_ > 0 && take_prefix(rest_, kCdataStart)) return nothing(take_until(rest_, kCdataEnd));
    if (rest_.starts_with("<!")) return std::nullopt;
    if (take_prefix(rest_, "</")) {
      if (depth_ == 0) return std::nullopt;
      --depth_;
      return nothing(take_until(rest_, ">"));
    }
    return open_element();
  }

  std::optional<std::string_view> open_element() {
    rest_.remove_prefix(1);
    const auto tag = take_tag(rest_);
    if (!tag || name_of(*tag).empty() || (depth_ == 0 && root_seen_)) return std::nullopt;
    root_seen_ = true;
    if (!tag->ends_with('/')) ++depth_;
    return tag;
  }

  std::optional<std::string_view> done() const {
    return root_seen_ && depth_ == 0 ? std::optional(std::string_view{}) : std::nullopt;
  }

  std::string_view rest_;
  std::size_t depth_ = 0;
  bool root_seen_ = false;
};

}  // namespace

std::optional<std::string_view> find_encrypt(std::string_view xml) {
  return Scanner(xml).find_encrypt();
}

std::string cdata_element(std::string_view name, std::string_view text) {
  std::string element;
  element.append("<").append(name).append(">").append(kCdataStart);
  // "]]>" would end the section early: it is split over two of them.
  while (const auto before = take_until(text, kCdataEnd)) {
    element.append(*before).append("]]]]>").append(kCdataStart).append(">");
  }
  element.append(text).append("]]></").append(name).append(">");
  return element;
}

}  // namespace wxpush::event
