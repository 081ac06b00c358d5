// Mistakes in [[app]] and [[handler]].
#include "config/names.h"
#include "tests/config/mistakes.h"

using namespace wxpush::config;
using namespace wxpush::config::test;

namespace {

// `"log", "http" or "amqp"`
std::string types_built_in() {
  std::vector<std::string> names;
  for (const auto& [name, type] : handler_type_names) {
    if (is_built_in(type)) names.push_back('"' + std::string(name) + '"');
  }
  std::string text = names[0];
  for (std::size_t i = 1; i < names.size(); ++i)
    text += (i + 1 < names.size() ? ", " : " or ") + names[i];
  return text;
}

}  // namespace

TEST_CASE("no app at all") {
  const Scratch scratch;
  CHECK(scratch.problems(server_without_tls) ==
        std::vector<std::string>{"wxpush.toml: app: is missing; add an [[app]] with name, appid, "
                                 "token and encoding_aes_key"});
}

TEST_CASE("bad values in [[app]]") {
  check({
      {"[[app]]\nappid = \"wx1\"\n" + keys, {"3: app[1].name: is missing; " + name_rule}},
      {"[[app]]\nname = \"Shop\"\nappid = \"wx1\"\n" + keys,
       {"4: app[1].name: \"Shop\" is no name; " + name_rule}},
      {"[[app]]\nname = 1\nappid = \"wx1\"\n" + keys,
       {"4: app[1].name: is an integer; it must be text in double quotes"}},
      {"[[app]]\nname = \"shop\"\n" + keys,
       {"3: app.shop.appid: is missing; it stands in WeChat's console, such as "
        "\"wx0123456789abcdef\""}},
      {"[[app]]\nname = \"shop\"\nappid = \"wx 1\"\n" + keys,
       {"5: app.shop.appid: \"wx 1\" is no appid; it has 1 to 64 letters, digits, \"_\" or \"-\", "
        "such as "
        "\"wx0123456789abcdef\""}},
      {app_start + keys + "quarantine = \"some\"",
       {"8: app.shop.quarantine: \"some\" is unknown; it must be \"unopened\", \"all\" or "
        "\"off\""}},
      {app_start + keys + "reply = \"no\"",
       {"8: app.shop.reply: \"no\" is unknown; it must be \"auto\", \"success\" or \"empty\""}},
      {app_start + keys + "reply = 1",
       {"8: app.shop.reply: is an integer; it must be \"auto\", \"success\" or \"empty\", or a "
        "table of these by event "
        "type"}},
      {app_start + keys +
           "[app.reply]\na = \"no\"\nB = 1\nc = \"empty\"\nC = \"auto\"\n\"d-e\" = \"auto\"",
       {"9: app.shop.reply.a: \"no\" is unknown; it must be \"auto\", \"success\" or \"empty\"",
        "10: app.shop.reply.B: is an integer; it must be \"auto\", \"success\" or \"empty\"",
        "12: app.shop.reply.C: stands twice; the case of event types does not matter",
        "13: app.shop.reply.d-e: \"d-e\" is no event type; it has 1 to 128 letters, digits or "
        "\"_\", such as "
        "update_waybill_status, or is default"}},
  });
}

TEST_CASE("names stand once") {
  check({
      {app_start + keys + "[[app]]\nname = \"shop\"\nappid = \"wx2\"\n" + keys,
       {"9: app.shop.name: is taken by the [[app]] at wxpush.toml:3; names are unique"}},
      {log_handler + log_handler,
       {"7: handler.print.name: is taken by the [[handler]] at wxpush.toml:3; names are unique"}},
  });
}

TEST_CASE("bad push paths") {
  const std::string second = "[[app]]\nname = \"cafe\"\nappid = \"wx2\"\n" + keys;
  check({
      {app_start + keys +
           "paths = [\n\"x\",\n\"/\",\n\"/a/\",\n\"/a "
           "b\",\n\"/a//b\",\n\"/a/../b\",\n\"/wx/cafe\",\n\"/metrics\",\n"
           "\"/api/v1\",\n\"/ok\",\n\"/ok\"]",
       {"9: app.shop.paths: \"x\" must begin with \"/\"",
        "10: app.shop.paths: \"/\" must name more than the root, such as \"/wechat/callback\"",
        "11: app.shop.paths: \"/a/\" must not end with \"/\" (pushes with one are taken all the "
        "same)",
        "12: app.shop.paths: \"/a b\" may hold letters, digits, \"-\", \".\", \"_\", \"~\" and "
        "\"/\" only",
        "13: app.shop.paths: \"/a//b\" must not hold an empty, \".\" or \"..\" segment",
        "14: app.shop.paths: \"/a/../b\" must not hold an empty, \".\" or \"..\" segment",
        "15: app.shop.paths: \"/wx/cafe\" is reserved: \"/wx\" and what lies below belong to "
        "wxpush",
        "16: app.shop.paths: \"/metrics\" is reserved: \"/metrics\" and what lies below belong to "
        "wxpush",
        "17: app.shop.paths: \"/api/v1\" is reserved: \"/api\" and what lies below belong to "
        "wxpush",
        "19: app.shop.paths: \"/ok\" is already a push path of app shop; each path leads to one "
        "app"}},
      {app_start + keys + "paths = \"/ok\"\n" + second + "paths = \"/ok\"",
       {"14: app.cafe.paths: \"/ok\" is already a push path of app shop; each path leads to one "
        "app"}},
  });
}

TEST_CASE("bad keys of an app") {
  const std::string aes = "encoding_aes_key = \"" + aes_key + "\"";
  check({
      {app_start,
       {"3: app.shop.token: is missing; give token and encoding_aes_key (or token_file and "
        "encoding_aes_key_file), or keys"}},
      {app_start + "token = \"t\"",
       {"3: app.shop.encoding_aes_key: is missing; give it (or encoding_aes_key_file) beside the "
        "token"}},
      {app_start + aes,
       {"3: app.shop.token: is missing; give it (or token_file) beside the encoding_aes_key"}},
      {app_start + keys + "token_file = \"t\"",
       {"8: app.shop.token_file: stands beside app.shop.token; keep one of "
        "the two"}},
      {app_start + aes + "\ntoken = \"a b\"",
       {"7: app.shop.token: holds a space or a character outside ASCII; a Token has printable "
        "ASCII only"}},
      {app_start + "token = 5\nencoding_aes_key = \"" + aes_key + "=\"",
       {"6: app.shop.token: is an integer; it must be text in double quotes",
        "7: app.shop.encoding_aes_key: has 44 characters; an EncodingAESKey has exactly 43"}},
      {app_start + "token = \"t\"\nencoding_aes_key = \"" + aes_key.substr(1) + "-\"",
       {"7: app.shop.encoding_aes_key: holds a character that none of WeChat's keys has; an "
        "EncodingAESKey has letters, "
        "digits, \"+\" and \"/\" only"}},
      {app_start + "keys = []",
       {"6: app.shop.keys: must be an array of 1 to 16 tables such as { name = \"2026-05\", "
        "token_file = \"…\", "
        "encoding_aes_key_file = \"…\" }"}},
      {app_start + keys +
           "keys = [{ name = \"a\" }, { token = \"u\" },\n{ name = \"b c\", token = \"v\" },\n{ "
           "name = "
           "\"d\", token = \"w\", extra = 1 }]",
       {"8: app.shop.keys.a.token: is missing; give the key a token or an encoding_aes_key of its "
        "own",
        "8: app.shop.keys[2].name: is missing; every key needs one, such as its date, \"2026-05\"",
        "8: app.shop.keys: the keys \"a\" and \"default\" are the same pair; keep one",
        "9: app.shop.keys[3].name: \"b c\" is no name of a key; it has 1 to 32 letters, digits, "
        "\".\", \"_\" or \"-\"",
        "10: app.shop.keys.d.extra: unknown key; known here are encoding_aes_key, "
        "encoding_aes_key_file, name, token "
        "and token_file"}},
      {app_start + "keys = [{ name = \"a\", token = \"t\" }]",
       {"6: app.shop.keys.a.encoding_aes_key: is missing; give it (or encoding_aes_key_file) here "
        "or above, for the "
        "app"}},
      {app_start + keys +
           "keys = [{ name = \"a\", token = \"u\" }, { name = \"a\", token = \"v\" }, { name = "
           "\"default\", token = \"w\" }]",
       {"8: app.shop.keys: two keys have the name \"a\"; names are unique in an app (\"default\" "
        "is the app's own pair)",
        "8: app.shop.keys: two keys have the name \"default\"; names are unique in an app "
        "(\"default\" is the app's own "
        "pair)"}},
      {app_start + "token = \"t\"\nkeys = [{ name = \"a\", token = \"u\", " + aes + " }]",
       {"3: app.shop.encoding_aes_key: is missing; give it (or encoding_aes_key_file) beside the "
        "token"}},
  });
}

TEST_CASE("types that there are, and those that this build has") {
  const auto types = types_built_in();
  check({
      {"[[handler]]\nname = \"print\"", {"3: handler.print.type: is missing; it must be " + types}},
      {"[[handler]]\nname = \"print\"\ntype = \"mail\"",
       {"5: handler.print.type: \"mail\" is unknown; it must be " + types}},
  });
  for (const auto& [name, type] : handler_type_names) {
    if (is_built_in(type)) continue;
    check({{"[[handler]]\nname = \"print\"\ntype = \"" + std::string(name) + "\"\nhosts = 1",
            {"5: handler.print.type: \"" + std::string(name) +
             "\" is not built into this version; build it with its library (docs/queues.md), or "
             "use " +
             types}}});
  }
}

TEST_CASE("bad values in [[handler]]") {
  check({
      {log_handler + "apps = [\"shup\", \"warehouse\"]",
       {"6: handler.print.apps: there is no [[app]] named \"shup\"; did you mean \"shop\"?",
        "6: handler.print.apps: there is no [[app]] named \"warehouse\"; give the name of one"}},
      {log_handler + "apps = []\nevents = []",
       {"6: handler.print.apps: lists nothing; leave it out for all apps",
        "7: handler.print.events: lists nothing; write \"*\" for all events"}},
      {log_handler + "events = [\"a*b\"]",
       {"6: handler.print.events: \"a*b\" is no event type; it has 1 to 128 letters, digits, "
        "\"_\" or \".\" and may end with \"*\", such as \"transport_*\""}},
      {log_handler + "from = \"then\"",
       {"6: handler.print.from: \"then\" is unknown; it must be \"auto\", \"now\" or \"oldest\""}},
      {log_handler + "renamed_from = \"Old\"",
       {"6: handler.print.renamed_from: \"Old\" is no name of a handler"}},
      {log_handler + "renamed_from = \"print\"",
       {"6: handler.print.renamed_from: a [[handler]] named \"print\" still stands; give the name "
        "of one that is gone"}},
      {log_handler + "renamed_from = \"old\"\n[[handler]]\nname = \"two\"\ntype = "
                     "\"log\"\nrenamed_from = \"old\"",
       {"10: handler.two.renamed_from: handler \"print\" is renamed from the same; only one can "
        "take its place"}},
  });
}

TEST_CASE("bad values in [[handler]] of type http") {
  const std::string http = "[[handler]]\nname = \"b\"\ntype = \"http\"\n";  // lines 3 to 5
  const std::string url = "url = \"http://127.0.0.1/\"\n";
  const std::string no_secret =
      "is no signing secret; it is \"whsec_\" and 24 to 64 bytes in base64, such as `echo "
      "whsec_$(head -c 32 /dev/urandom | base64)` makes";
  check({
      {http,
       {"3: handler.b.url: is missing; give the back end's, such as "
        "\"http://127.0.0.1:3000/wechat\""}},
      {http + "url = \"ftp://a\"",
       {"6: handler.b.url: \"ftp://a\" is no URL to post to; write http://…, https://… or "
        "unix:/path/to/socket:/path, without a user name"}},
      {http + url + "secrets = [\"hunter2\", \"whsec_c2hvcnQ=\"]",
       {"7: handler.b.secrets: " + no_secret, "7: handler.b.secrets: " + no_secret}},
      {http + url + "headers = { Host = \"a\", ce-id = \"b\", \"a b\" = \"c\", ok = 1 }",
       {"7: handler.b.headers.Host: is set by wxpush itself",
        "7: handler.b.headers.a b: is no name of a header; it has 1 to 64 letters, digits, \"-\" "
        "or \"_\"",
        "7: handler.b.headers.ce-id: is set by wxpush itself",
        "7: handler.b.headers.ok: is an integer; it must be text in double quotes"}},
      {http + url + "allow_private = \"yes\"",
       {"7: handler.b.allow_private: is text; it must be true or false"}},
      {http + url + "permanent = [200]",
       {"7: handler.b.permanent: must be an array of HTTP statuses from 300 to 599, such as [410, "
        "422]"}},
      {http + url + "ca_file = \"a.pem\"",
       {"7: handler.b.ca_file: is of no use with \"http://127.0.0.1/\": it is for https"}},
      {http + "url = \"https://a/\"\ncertificate = \"a.pem\"",
       {"3: handler.b.private_key: is missing; a client's certificate and its key belong "
        "together"}},
      {log_handler + "dedupe = \"body\"\nmax_backlog_age = \"long\"",
       {"6: handler.print.dedupe: \"body\" is unknown; it must be \"event_id\" or \"business_key\"",
        "7: handler.print.max_backlog_age: \"long\" is no duration; write numbers with the units "
        "d, h, m, s or "
        "ms, such as \"5s\" or \"1m30s\""}},
      {http + url + "retry_min = \"1m\"", {"7: handler.b.retry_min: is above retry_max, \"30s\""}},
      {log_handler + "url = \"http://a/\"",
       {"6: handler.print.url: unknown key; known here are apps, concurrency, dedupe, events, "
        "from, give_up_after, max_attempts, max_backlog_age, name, on_dead, renamed_from, "
        "retry_max, retry_min and type"}},
  });
}
