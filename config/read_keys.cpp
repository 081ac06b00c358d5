// An app's pairs of Token and EncodingAESKey. No text made here may hold a value.
#include "config/files.h"
#include "config/sections.h"
#include "config/values.h"

#include <algorithm>

namespace wxpush::config {
namespace {

std::string check_token(std::string_view token) {
  if (token.empty() || token.size() > 128) {
    return "has " + std::to_string(token.size()) + " characters; a Token has 1 to 128";
  }
  const bool is_printable =
      std::all_of(token.begin(), token.end(), [](char c) { return c > 0x20 && c < 0x7F; });
  if (!is_printable)
    return "holds a space or a character outside ASCII; a Token has printable ASCII only";
  return {};
}

std::string check_encoding_aes_key(std::string_view key) {
  if (key.size() != 43) {
    return "has " + std::to_string(key.size()) + " characters; an EncodingAESKey has exactly 43";
  }
  if (!consists_of(key, "aA0+/")) {
    return "holds a character that none of WeChat's keys has; an EncodingAESKey has letters, "
           "digits, \"+\" "
           "and \"/\" only";
  }
  return {};
}

struct Pair {
  GivenSecret token;
  GivenSecret key;
};

Pair read_pair(Section& section) {
  return {read_secret(section, "token", check_token),
          read_secret(section, "encoding_aes_key", check_encoding_aes_key)};
}

std::string read_key_name(Section& section, const Section::Given& table) {
  const auto name = section.text("name", "text in double quotes");
  if (!table.node.find("name"))
    section.missing("name", "every key needs one, such as its date, \"2026-05\"");
  if (!name) return {};
  if (name->value.empty() || name->value.size() > 32 || !consists_of(name->value, "aA0._-")) {
    section.problem(
        "name", quote_short(name->value) +
                    " is no name of a key; it has 1 to 32 letters, digits, \".\", \"_\" or \"-\"");
    return {};
  }
  return name->value;
}

// One entry of `keys`; halves that it lacks are the app's.
void read_key(Section& section, const std::string& name, const Pair& above,
              std::vector<Key>& keys) {
  const Pair own = read_pair(section);
  const GivenSecret& token = own.token.is_given ? own.token : above.token;
  const GivenSecret& key = own.key.is_given ? own.key : above.key;
  if (!own.token.is_given && !own.key.is_given) {
    section.missing("token", "give the key a token or an encoding_aes_key of its own");
  } else if (!token.is_given) {
    section.missing("token", "give it (or token_file) here or above, for the app");
  } else if (!key.is_given) {
    section.missing("encoding_aes_key",
                    "give it (or encoding_aes_key_file) here or above, for the app");
  }
  keys.push_back({name, token.value, key.value});
}

bool uses(const Node* keys, const std::string& half) {
  return keys != nullptr &&
         std::any_of(keys->items.begin(), keys->items.end(), [&](const Node& key) {
           return key.find(half) == nullptr && key.find(half + "_file") == nullptr;
         });
}

// The app's own pair, after those listed; halves that stand alone must be of use to a listed one.
void add_own_pair(Section& app, const Pair& above, const Node* listed, std::vector<Key>& keys) {
  if (above.token.is_given && above.key.is_given) {
    keys.push_back({"default", above.token.value, above.key.value});
  } else if (!above.token.is_given && !above.key.is_given) {
    if (listed == nullptr)
      app.missing(
          "token",
          "give token and encoding_aes_key (or token_file and encoding_aes_key_file), or keys");
  } else if (above.token.is_given && !uses(listed, "token")) {
    app.missing("encoding_aes_key", "give it (or encoding_aes_key_file) beside the token");
  } else if (above.key.is_given && !uses(listed, "encoding_aes_key")) {
    app.missing("token", "give it (or token_file) beside the encoding_aes_key");
  }
}

void check_distinct(Section& app, const std::vector<Key>& keys) {
  for (std::size_t i = 0; i < keys.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      const bool is_complete = !keys[i].token.empty() && !keys[i].encoding_aes_key.empty();
      if (!keys[i].name.empty() && keys[i].name == keys[j].name) {
        app.problem("keys", "two keys have the name " + quote(keys[i].name) +
                                "; names are unique in an app (\"default\" is the app's own pair)");
      } else if (is_complete && keys[i].token == keys[j].token &&
                 keys[i].encoding_aes_key == keys[j].encoding_aes_key) {
        app.problem("keys", "the keys " + quote(keys[j].name) + " and " + quote(keys[i].name) +
                                " are the same pair; keep one");
      }
    }
  }
}

}  // namespace

std::optional<Secret> read_secret_file(Section& section, const Section::Text& given) {
  std::string error;
  auto bytes = read_file(resolve(given), 4096, error);
  if (bytes) {
    while (bytes->ends_with('\n') || bytes->ends_with('\r')) bytes->pop_back();
    if (bytes->empty()) error = "it is empty";
  }
  if (error.empty()) return Secret(std::move(*bytes));
  section.loading().problem(
      given.origin, "the file " + quote_short(resolve(given).string()) + " cannot be used: " +
                        error + "; it must hold the secret alone, readable to wxpush");
  return std::nullopt;
}

GivenSecret read_secret(Section& section, const std::string& key,
                        std::string (*check)(std::string_view)) {
  const std::string file_key = key + "_file";
  const auto inline_given = section.find(key);
  const auto file_given = section.find(file_key);
  if (!inline_given && !file_given) return {};
  const bool both = inline_given && file_given;
  if (both && inline_given->is_variable == file_given->is_variable) {
    section.problem(file_key,
                    "stands beside " + inline_given->origin.key + "; keep one of the two");
    return {true, {}};
  }
  const bool use_file = !inline_given || (both && file_given->is_variable);
  const auto& used = use_file ? file_key : key;
  const auto text = section.text(used, "text in double quotes");
  if (!text) return {true, {}};
  auto secret = use_file ? read_secret_file(section, *text) : Secret(text->value);
  if (!secret) return {true, {}};
  if (const std::string wrong = check(secret->reveal()); !wrong.empty()) {
    section.problem(used, wrong);
    return {true, {}};
  }
  return {true, std::move(*secret)};
}

std::vector<Key> read_keys(Section& app) {
  const Pair above = read_pair(app);
  std::vector<Key> keys;
  const Node* list = app.file_only("keys");
  if (list != nullptr) {
    const Origin origin = app.origin_in_file(*list, "keys");
    const bool are_tables =
        list->kind == Node::Kind::array &&
        std::all_of(list->items.begin(), list->items.end(),
                    [](const Node& item) { return item.kind == Node::Kind::table; });
    if (!are_tables || list->items.empty() || list->items.size() > 16) {
      app.loading().problem(origin,
                            "must be an array of 1 to 16 tables such as { name = \"2026-05\", "
                            "token_file = \"…\", encoding_aes_key_file = \"…\" }");
      return {};
    }
    for (std::size_t i = 0; i < list->items.size(); ++i) {
      const Node& table = list->items[i];
      Origin at = app.origin_in_file(table, "keys[" + std::to_string(i + 1) + "]");
      Section section(app.loading(), &table, at, "");
      const std::string name = read_key_name(section, {at, table, false});
      if (!name.empty()) section.rename(app.origin_in_file(table, "keys." + name).key, "");
      read_key(section, name, above, keys);
      section.finish();
    }
  }
  add_own_pair(app, above, list, keys);
  check_distinct(app, keys);
  return keys;
}

}  // namespace wxpush::config
