// Back ends, and [[handler]] of type http. No text made here may hold a secret.
#include "config/sections.h"
#include "config/values.h"
#include "crypto/primitives/base64.h"
#include "handlers/base/url.h"

#include <algorithm>
#include <array>

namespace wxpush::config {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;

void read_url(Section& section, std::string& into) {
  const auto given =
      section.text("url", "a URL in double quotes, such as \"http://127.0.0.1:3000/wechat\"");
  if (!section.find("url"))
    section.missing("url", "give the back end's, such as \"http://127.0.0.1:3000/wechat\"");
  if (!given) return;
  const auto url = parse_url(given->value);
  if (!url || url->socket.size() > longest_unix_path) {
    section.problem("url", quote_short(given->value) +
                               " is no URL to post to; write http://…, https://… or "
                               "unix:/path/to/socket:/path, without a user name");
    return;
  }
  into = given->value;
}

void check_for_https(Section& section, const std::string& url, std::string_view key) {
  if (url.empty() || url.starts_with("https:")) return;
  section.problem(key, "is of no use with " + quote_short(url) + ": it is for https");
}

// Standard Webhooks' form: "whsec_" and the key in base64.
std::optional<Secret> webhook_key(const Secret& text) {
  constexpr std::string_view prefix = "whsec_";
  const std::string_view value = text.reveal();
  if (!value.starts_with(prefix)) return std::nullopt;
  auto key = crypto::base64_decode(value.substr(prefix.size()));
  if (!key || key->size() < 24 || key->size() > 64) return std::nullopt;
  return Secret(std::move(*key));
}

void add_secret(Section& section, const Origin& origin, const Secret& text,
                std::vector<Secret>& into) {
  if (auto key = webhook_key(text)) {
    into.push_back(std::move(*key));
  } else {
    section.loading().problem(
        origin,
        "is no signing secret; it is \"whsec_\" and 24 to 64 bytes in base64, such as "
        "`echo whsec_$(head -c 32 /dev/urandom | base64)` makes");
  }
}

// What is wrong with the name of a header of the operator's own; empty if it is good.
std::string check_header(const std::string& name) {
  const bool token = !name.empty() && name.size() <= 64 && consists_of(name, "aA0-_");
  if (!token) return "is no name of a header; it has 1 to 64 letters, digits, \"-\" or \"_\"";
  const std::string lower_name = lower(name);
  constexpr std::array ours{"host",       "content-length", "content-type", "transfer-encoding",
                            "connection", "upgrade",        "te",           "trailer",
                            "expect"};
  const bool reserved = std::ranges::find(ours, lower_name) != ours.end() ||
                        lower_name.starts_with("ce-") || lower_name.starts_with("webhook-") ||
                        lower_name.starts_with("wxpush-");
  return reserved ? "is set by wxpush itself" : "";
}

void read_headers(Section& section, std::vector<std::pair<std::string, Secret>>& into) {
  const Node* const table = section.file_only("headers");
  if (table == nullptr) return;
  if (table->kind != Node::Kind::table) {
    return section.wrong_kind({section.origin("headers"), *table, false},
                              "a table such as { authorization = \"Bearer …\" }");
  }
  for (const auto& [name, node] : table->members) {
    const Origin origin = section.origin_in_file(node, "headers." + name);
    if (const std::string wrong = check_header(name); !wrong.empty()) {
      section.loading().problem(origin, wrong);
    } else if (node.kind != Node::Kind::text) {
      section.wrong_kind({origin, node, false}, "text in double quotes");
    } else if (node.text.size() > 4096 ||
               !std::all_of(node.text.begin(), node.text.end(),
                            [](char c) { return c >= 0x20 && c < 0x7F; })) {
      section.loading().problem(origin, "is no value of a header; it has printable ASCII only");
    } else {
      into.emplace_back(name, Secret(node.text));
    }
  }
}

void read_permanent(Section& section, std::vector<std::uint32_t>& into) {
  const Node* const list = section.file_only("permanent");
  if (list == nullptr) return;
  into.clear();
  bool good = list->kind == Node::Kind::array && list->items.size() <= 64;
  for (const Node& item : list->items) {
    good = good && item.kind == Node::Kind::integer && item.integer >= 300 && item.integer <= 599;
    if (good) into.push_back(static_cast<std::uint32_t>(item.integer));
  }
  if (!good)
    section.problem("permanent",
                    "must be an array of HTTP statuses from 300 to 599, such as [410, 422]");
}

}  // namespace

void read_signing_secrets(Section& section, std::vector<Secret>& into) {
  if (const auto list =
          section.list("secrets", "an array of texts that begin with \"whsec_\"", 8)) {
    for (const auto& item : list->items) add_secret(section, item.origin, Secret(item.value), into);
  }
  if (const auto list = section.list("secret_files", "an array of paths", 8)) {
    for (const auto& item : list->items) {
      if (const auto text = read_secret_file(section, item))
        add_secret(section, item.origin, *text, into);
    }
  }
}

void read_client_certificate(Section& section, std::filesystem::path& certificate,
                             std::filesystem::path& private_key) {
  section.path("certificate", certificate);
  section.path("private_key", private_key);
  if (certificate.empty() != private_key.empty()) {
    section.missing(certificate.empty() ? "certificate" : "private_key",
                    "a client's certificate and its key belong together");
  }
}

void read_back_end(Section& section, BackEnd& into) {
  read_url(section, into.url);
  section.path("ca_file", into.ca_file);
  if (!into.ca_file.empty()) check_for_https(section, into.url, "ca_file");
  section.flag("allow_private", into.allow_private);
}

void read_http(Section& section, HttpTarget& into) {
  read_back_end(section, into);
  read_signing_secrets(section, into.secrets);
  read_headers(section, into.headers);
  section.duration("timeout", into.timeout, {milliseconds{100}, minutes{10}});
  read_client_certificate(section, into.certificate, into.private_key);
  if (!into.certificate.empty()) check_for_https(section, into.url, "certificate");
  read_permanent(section, into.permanent);
}

}  // namespace wxpush::config
