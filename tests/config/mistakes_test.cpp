// Mistakes in [server], [admin], [store] and [log], and those that any section can hold.
#include "tests/config/mistakes.h"

using namespace wxpush::config::test;

TEST_CASE("mistakes of syntax") {
  check({
      {"threads = ",
       {"3: not valid TOML: Error while parsing key-value pair: expected value, saw '\\n'"}},
      {"threads = 1\nthreads = 2",
       {"4: not valid TOML: Error while parsing key-value pair: cannot redefine existing integer "
        "'threads'"}},
      {app_start + "token = \"t\"\ntoken = \"u\"",
       {"7: not valid TOML: Error while parsing key-value pair: cannot redefine existing string "
        "'token'"}},
      {"private_key = x",
       {"3: not valid TOML: a key = value pair whose value is text in double quotes belongs here "
        "(what stands here is "
        "not shown, since it may be a secret)"}},
      {log_handler + "password = true-secret",
       {"6: not valid TOML: a key = value pair whose value is text in double quotes belongs here "
        "(what stands here is "
        "not shown, since it may be a secret)"}},
      {log_handler + "headers = { x = tru-secret }",
       {"6: not valid TOML: a key = value pair whose value is text in double quotes belongs here "
        "(what stands here is "
        "not shown, since it may be a secret)"}},
  });
}

TEST_CASE("unknown keys, with what was probably meant") {
  check({
      {"lisen = \"127.0.0.1:1\"", {"3: server.lisen: unknown key; did you mean listen?"}},
      {"[log]\ncolour = \"red\"", {"4: log.colour: unknown key; known here are format and level"}},
      {"[logs]\n", {"3: logs: unknown key; did you mean log?"}},
      {app_start + keys + "tokn = \"t\"", {"8: app.shop.tokn: unknown key; did you mean token?"}},
      {log_handler + "event = \"x\"",
       {"6: handler.print.event: unknown key; did you mean events?"}},
  });
}

TEST_CASE("values of the wrong type") {
  check({
      {"threads = \"2\"", {"3: server.threads: is text; it must be an integer from 0 to 256"}},
      {"threads = 1.5",
       {"3: server.threads: is a number with a fraction; it must be an integer from 0 to 256"}},
      {"idle_timeout = 75",
       {"3: server.idle_timeout: is an integer; it must be a duration with a unit, such as "
        "\"5s\""}},
      {"max_body = true",
       {"3: server.max_body: is true or false; it must be a size such as \"16KiB\", or a number of "
        "bytes"}},
      {"listen = 8443",
       {"3: server.listen: is an integer; it must be an address such as \"0.0.0.0:8443\", or an "
        "array of them"}},
      {"trusted_proxies = [\n  7]",
       {"4: server.trusted_proxies: is an integer; it must be an array of networks such as "
        "\"10.0.0.0/8\""}},
      {"[log]\nlevel = 3",
       {"4: log.level: is an integer; it must be \"debug\", \"info\", \"warning\" or \"error\""}},
      {"[store]\npath = 2026-11-01",
       {"4: store.path: is a date or time; it must be a path in double quotes"}},
      {"[admin]\nlisten = []",
       {"4: admin.listen: is an array; it must be an address such as \"127.0.0.1:9090\", or "
        "\"off\""}},
      {"[[log]]\nlevel = \"info\"", {"3: log: is an array; it must be a table: [log]"}},
      {"[handler]\nname = \"print\"",
       {"3: handler: is a table; it must be an array of tables: [[handler]]"}},
  });
  const Scratch scratch;
  CHECK(scratch.problems("server = 1\nhandler = [1]\n" + shop) ==
        std::vector<std::string>{
            "wxpush.toml:1: server: is an integer; it must be a table: [server]",
            "wxpush.toml:1: server.certificate: is missing; give certificate and private_key, or "
            "set tls = \"off\" "
            "behind a reverse proxy",
            "wxpush.toml:2: handler[1]: is an integer; it must be a table: [[handler]]"});
}

TEST_CASE("bad values in [server]") {
  check({
      {"listen = \"8443\"", {"3: server.listen: \"8443\"" + no_listen}},
      {"listen = []", {"3: server.listen: lists nothing; give at least one address"}},
      {"listen = [\"0.0.0.0:1\",\n\"127.0.0.1:1\"]",
       {"4: server.listen: \"127.0.0.1:1\" is already listened on by another element; keep one"}},
      {"listen = \"unix:/" + std::string(107, 's') + "\"",
       {"3: server.listen: the socket's path has 108 bytes, and a unix socket's may have at most "
        "107; choose a shorter "
        "one"}},
      {"threads = 257", {"3: server.threads: 257 is out of range; it must be from 0 to 256"}},
      {"trusted_proxies = [\"proxy\"]",
       {"3: server.trusted_proxies: \"proxy\" is no network; write one such as \"10.0.0.0/8\", "
        "\"192.168.1.7\" or "
        "\"fd00::/8\""}},
      {"max_connections = 0",
       {"3: server.max_connections: 0 is out of range; it must be from 1 to 1000000"}},
      {"max_connections_per_address = -1",
       {"3: server.max_connections_per_address: -1 is out of range; it must be from 1 to 1000000"}},
      {"handshake_timeout = \"0s\"",
       {"3: server.handshake_timeout: \"0s\" is out of range; it must be from 100ms to 1m"}},
      {"header_timeout = \"61s\"",
       {"3: server.header_timeout: \"61s\" is out of range; it must be from 100ms to 1m"}},
      {"idle_timeout = \"75\"", {"3: server.idle_timeout: \"75\"" + no_duration}},
      {"request_deadline = \"5s\"",
       {"3: server.request_deadline: \"5s\" is out of range; it must be from 100ms to 4900ms "
        "(WeChat hangs up after "
        "5s)"}},
      {"max_header = \"512\"",
       {"3: server.max_header: \"512\" is out of range; it must be from 1KiB to 1MiB"}},
      {"max_body = \"1.5MiB\"", {"3: server.max_body: \"1.5MiB\"" + no_size}},
      {"max_body = 67108865",
       {"3: server.max_body: 67108865 is out of range; it must be from 1KiB to 64MiB"}},
      {"drain = \"11m\"", {"3: server.drain: \"11m\" is out of range; it must be from 0s to 10m"}},
      {"max_push_age = \"30s\"",
       {"3: server.max_push_age: is below the usual error of clocks; it must be \"0s\" for no "
        "bound, or at least "
        "\"1m\""}},
      {"max_push_age = \"90.5s\"",
       {"3: server.max_push_age: must be whole seconds, such as \"90s\""}},
  });
}

TEST_CASE("TLS needs certificate and key, or neither") {
  const Scratch scratch;
  const auto told = [&](const std::string& text) {
    return scratch.problems("[server]\n" + text + "\n" + shop);
  };
  using Lines = std::vector<std::string>;
  CHECK(
      told("") ==
      Lines{
          "wxpush.toml:1: server.certificate: is missing; give certificate and private_key, or set "
          "tls = \"off\" behind a reverse proxy"});
  CHECK(told("certificate = \"c\"") ==
        Lines{"wxpush.toml:1: server.private_key: is missing; certificate needs it"});
  CHECK(told("private_key = \"k\"") ==
        Lines{"wxpush.toml:1: server.certificate: is missing; private_key needs it"});
  CHECK(told("certificate = \"\"\nprivate_key = \"k\"") ==
        Lines{"wxpush.toml:2: server.certificate: is no path; write one such as \"tls/cert.pem\""});
  CHECK(told("tls = \"off\"\ncertificate = \"c\"\nprivate_key = \"k\"") ==
        Lines{"wxpush.toml:3: server.certificate: is of no use with tls = \"off\"; remove one of "
              "the two",
              "wxpush.toml:4: server.private_key: is of no use with tls = \"off\"; remove one of "
              "the two"});
  CHECK(told("tls = \"maybe\"\ncertificate = \"c\"\nprivate_key = \"k\"") ==
        Lines{"wxpush.toml:2: server.tls: \"maybe\" is unknown; it must be \"on\" or \"off\""});
}

TEST_CASE("bad values in [admin], [store] and [log]") {
  check({
      {"[admin]\nlisten = \"0.0.0.0\"", {"4: admin.listen: \"0.0.0.0\"" + no_listen}},
      {"[admin]\nlisten = \"127.0.0.1:8443\"",
       {"4: admin.listen: \"127.0.0.1:8443\" is taken by server.listen; the admin listener needs "
        "an address of its "
        "own"}},
      {"listen = \"unix:/run/a\"\n[admin]\nsocket = \"/run/a\"",
       {"5: admin.socket: is also listened on by server.listen or admin.listen; the admin socket "
        "needs a path of its "
        "own"}},
      {"[admin]\nsocket = \"/" + std::string(107, 's') + "\"",
       {"4: admin.socket: the socket's path has 108 bytes, and a unix socket's may have at most "
        "107; choose a shorter "
        "one"}},
      {"[store]\npath = \"/" + std::string(97, 's') + "\"",
       {"4: store.path: the socket's path has 109 bytes, and a unix socket's may have at most 107; "
        "set admin.socket to "
        "a shorter one than the default, admin.sock in the store"}},
      {"[store]\nretention = \"59m\"",
       {"4: store.retention: \"59m\" is out of range; it must be from 1h to 3650d"}},
      {"[store]\nretention = \"12h\"",
       {"4: store.retention: retention is 12h and min_retention 1d (its default); min_retention "
        "must not be longer than "
        "retention"}},
      {"[store]\nmin_retention = \"8d\"",
       {"4: store.min_retention: retention is 7d and min_retention 8d; min_retention must not be "
        "longer than "
        "retention"}},
      {"[store]\nmax_size = \"101%\"",
       {"4: store.max_size: \"101%\" is out of range; a share of the file system must be from 1% "
        "to 100%"}},
      {"[store]\nmax_size = \"-5%\"", {"4: store.max_size: \"-5%\"" + no_size}},
      {"[store]\nmax_size = \"1KiB\"",
       {"4: store.max_size: \"1KiB\" is out of range; it must be from 1MiB to 1024TiB (or a share "
        "of the file system "
        "such as \"80%\")"}},
      {"max_body = \"8MiB\"\nmax_bodies = \"2MiB\"",
       {"4: server.max_bodies: is smaller than max_body (8MiB), so that a large push would never "
        "be "
        "read; raise it"}},
      {"[store]\nappend_queue = 0",
       {"4: store.append_queue: 0 is out of range; it must be from 1 to 1000000"}},
      {"max_body = \"8MiB\"\n[store]\nappend_queue_bytes = \"2MiB\"",
       {"5: store.append_queue_bytes: is smaller than server.max_body (8MiB), so that a large push "
        "would never fit; it "
        "must be at least that"}},
      {"[log]\nformat = \"xml\"",
       {"4: log.format: \"xml\" is unknown; it must be \"json\" or \"text\""}},
  });
}

TEST_CASE("lists are bounded") {
  std::string many = "trusted_proxies = [";
  for (int i = 0; i < 257; ++i) many += "\"10.0.0.1\",";
  check({{many + "]", {"3: server.trusted_proxies: has 257 elements; it may have at most 256"}}});
}

TEST_CASE("all mistakes are told at once, in the order of their lines") {
  check({
      {"threads = 999\nidle_timeout = \"x\"\n[log]\nlevel = 1\n[store]\nappend_queue = 0\n" +
           app_start + "token = \"a b\"\nencoding_aes_key = \"short\"\n",
       {"3: server.threads: 999 is out of range; it must be from 0 to 256",
        "4: server.idle_timeout: \"x\"" + no_duration,
        "6: log.level: is an integer; it must be \"debug\", \"info\", \"warning\" or \"error\"",
        "8: store.append_queue: 0 is out of range; it must be from 1 to 1000000",
        "12: app.shop.token: holds a space or a character outside ASCII; a Token has printable "
        "ASCII only",
        "13: app.shop.encoding_aes_key: has 5 characters; an EncodingAESKey has exactly 43"}},
  });
}
