// Mistakes in [[handler]] of the brokers' types, and in an app's ack_after and ack_handler.
#include "tests/config/mistakes.h"

using namespace wxpush::config;
using namespace wxpush::config::test;

namespace {

// Lines 3 to 6.
const std::string amqp = "[[handler]]\nname = \"b\"\ntype = \"amqp\"\npassword = \"p\"\n";
const std::string redis = "[[handler]]\nname = \"b\"\ntype = \"redis\"\npassword = \"p\"\n";
const std::string kafka = "[[handler]]\nname = \"b\"\ntype = \"kafka\"\nhosts = [\"127.0.0.1\"]\n";
const std::string hosts = "hosts = [\"127.0.0.1\"]\n";  // line 7

const std::string no_host =
    " is no host; write a name or an address, such as \"127.0.0.1:5672\" or \"[::1]:5672\"";
const std::string no_secret =
    "is no signing secret; it is \"whsec_\" and 24 to 64 bytes in base64, such as `echo "
    "whsec_$(head -c 32 /dev/urandom | base64)` makes";

}  // namespace

TEST_CASE("bad hosts") {
  if (!is_built_in(HandlerType::amqp)) return;
  check({
      {amqp,
       {"3: handler.b.hosts: is missing; say where the broker is, such as [\"127.0.0.1:5672\"]"}},
      {amqp + "tls = true",
       {"3: handler.b.hosts: is missing; say where the broker is, such as [\"127.0.0.1:5671\"]"}},
      {amqp + "hosts = 5672",
       {"7: handler.b.hosts: is an integer; it must be an array of hosts such as "
        "\"127.0.0.1:5672\""}},
      {amqp + "hosts = []", {"7: handler.b.hosts: lists nothing; say where the broker is"}},
      {amqp +
           "hosts = [\n\"\",\n\"::1\",\n\"[::1\",\n\"[::1]5672\",\n\"[]\",\n\"[host]\",\n\"a b\",\n"
           "\"a:\",\n\"a:0\",\n\"a:65536\",\n\"a:amqp\",\n\"amqp://a\",\n\"unix:/run/a.sock\"]",
       {"8: handler.b.hosts: \"\"" + no_host, "9: handler.b.hosts: \"::1\"" + no_host,
        "10: handler.b.hosts: \"[::1\"" + no_host, "11: handler.b.hosts: \"[::1]5672\"" + no_host,
        "12: handler.b.hosts: \"[]\"" + no_host, "13: handler.b.hosts: \"[host]\"" + no_host,
        "14: handler.b.hosts: \"a b\"" + no_host, "15: handler.b.hosts: \"a:\"" + no_host,
        "16: handler.b.hosts: \"a:0\"" + no_host, "17: handler.b.hosts: \"a:65536\"" + no_host,
        "18: handler.b.hosts: \"a:amqp\"" + no_host, "19: handler.b.hosts: \"amqp://a\"" + no_host,
        "20: handler.b.hosts: \"unix:/run/a.sock\"" + no_host}},
  });
}

TEST_CASE("bad hosts of Redis") {
  if (!is_built_in(HandlerType::redis)) return;
  check({
      {redis + "hosts = [\"a\", \"b\"]",
       {"7: handler.b.hosts: has 2 elements; it may have at most 1"}},
      {redis + "hosts = \"a:\"",
       {"7: handler.b.hosts: \"a:\" is no host; write a name or an address, such as "
        "\"127.0.0.1:6379\" or \"[::1]:6379\", or a socket, \"unix:/run/redis/redis.sock\""}},
      {redis + "hosts = \"unix:\"",
       {"7: handler.b.hosts: names no socket; write its path, \"unix:/run/redis/redis.sock\""}},
      {redis + "hosts = \"unix:/" + std::string(107, 'x') + "\"",
       {"7: handler.b.hosts: the socket's path has 108 bytes, and a unix socket's may have at most "
        "107; choose a shorter one"}},
      {redis + hosts + "tls = true",
       {"8: handler.b.tls: is not there for redis: the library has none; use a unix socket, or a "
        "tunnel"}},
  });
}

TEST_CASE("what is for TLS alone") {
  if (!is_built_in(HandlerType::amqp)) return;
  check({
      {amqp + hosts + "ca_file = \"a.pem\"\ncertificate = \"c.pem\"\nprivate_key = \"k.pem\"",
       {"8: handler.b.ca_file: is of no use without tls = true",
        "9: handler.b.certificate: is of no use without tls = true"}},
      {amqp + hosts + "tls = true\nprivate_key = \"k.pem\"",
       {"3: handler.b.certificate: is missing; a client's certificate and its key belong "
        "together"}},
      {amqp + hosts + "tls = \"on\"", {"8: handler.b.tls: is text; it must be true or false"}},
  });
}

TEST_CASE("bad users and passwords") {
  const std::string file =
      "; it must hold the secret alone, readable to wxpush";  // as of every secret
  if (is_built_in(HandlerType::amqp)) {
    const std::string bare = "[[handler]]\nname = \"b\"\ntype = \"amqp\"\nhosts = [\"a\"]\n";
    check({
        {bare,
         {"3: handler.b.password: is missing; give it, or password_file: RabbitMQ lets nobody in "
          "without"}},
        {bare + "password = \"\"\nuser = \"\"",
         {"7: handler.b.password: is empty", "8: handler.b.user: is empty"}},
        {bare + "password = \"" + std::string(1025, 'x') + "\"",
         {"7: handler.b.password: is no password: it is too long, or holds a zero byte"}},
        {bare + "password = \"a\"\npassword_file = \"b\"",
         {"8: handler.b.password_file: stands beside handler.b.password; keep one of the two"}},
        {bare + "password_file = \"gone\"",
         {"7: handler.b.password_file: the file \"gone\" cannot be used: No such file or "
          "directory" +
          file}},
    });
  }
}

TEST_CASE("bad destinations in RabbitMQ") {
  if (!is_built_in(HandlerType::amqp)) return;
  const std::string start = amqp + hosts;
  const std::string no_name =
      " is no name; it has 1 to 200 printable characters of ASCII, and no space";
  check({
      {start + "queue = \"\"", {"8: handler.b.queue: \"\"" + no_name}},
      {start + "queue = \"a b\"", {"8: handler.b.queue: \"a b\"" + no_name}},
      {start + "queue = \"" + std::string(201, 'q') + "\"",
       {"8: handler.b.queue: \"" + std::string(80, 'q') + "\"…" + no_name}},
      {start + "queue = \"q\"\nrouting_key = \"k\"",
       {"9: handler.b.routing_key: is of no use without exchange: a queue is found by its name"}},
      {start + "queue = \"q\"\nexchange = \"e\"\nrouting_key = \"k\"",
       {"8: handler.b.queue: stands beside exchange; give the one or the other"}},
      {start + "exchange = \"e\"",
       {"3: handler.b.routing_key: is missing; the exchange needs one, such as "
        "\"wx.{app}.{type}\""}},
      {start + "exchange = \"my exchange\"\nrouting_key = \"k\"",
       {"8: handler.b.exchange: \"my exchange\" is no name; it has 1 to 255 printable characters "
        "of ASCII, and no space"}},
      {start + "exchange = \"e\"\nrouting_key = \"\"",
       {"9: handler.b.routing_key: must have 1 to 255 characters"}},
      {start + "exchange = \"e\"\nrouting_key = \"wx.{order}\"",
       {"9: handler.b.routing_key: may hold {app}, {appid}, {type} and {partition}, nothing else "
        "in braces"}},
      {start + "exchange = \"e\"\nrouting_key = \"wx.{app\"",
       {"9: handler.b.routing_key: may hold {app}, {appid}, {type} and {partition}, nothing else "
        "in braces"}},
      {start + "exchange = \"e\"\nrouting_key = \"wx.{app}\"\npartitions = 4",
       {"10: handler.b.partitions: is of no use: there is no {partition} in routing_key"}},
      {start + "partitions = 0",
       {"8: handler.b.partitions: 0 is out of range; it must be from 1 to 256"}},
      {start + "heartbeat = \"1s\"\nvhost = \"\"\ntimeout = \"2m\"",
       {"8: handler.b.heartbeat: \"1s\" is out of range; it must be from 2s to 1m",
        "9: handler.b.vhost: \"\" is no name; it has 1 to 255 printable characters of ASCII, and "
        "no space",
        "10: handler.b.timeout: \"2m\" is out of range; it must be from 100ms to 1m"}},
      {start + "secrets = [\"hunter2\"]", {"8: handler.b.secrets: " + no_secret}},
      {start + "topic = \"t\"",
       {"8: handler.b.topic: unknown key; known here are apps, ca_file, certificate, concurrency, "
        "dedupe, events, exchange, from, give_up_after, heartbeat, hosts, max_attempts, "
        "max_backlog_age, name, on_dead, partitions, password, password_file, private_key, queue, "
        "renamed_from, retry_max, retry_min, routing_key, secret_files, secrets, timeout, tls, "
        "type, user and vhost"}},
  });
}

TEST_CASE("bad values of Redis") {
  if (!is_built_in(HandlerType::redis)) return;
  check({
      {redis + hosts +
           "database = -1\nstream = \"a b\"\npartitions = 257\nseen_for = \"1s\"\n"
           "replicas = 101",
       {"8: handler.b.database: -1 is out of range; it must be from 0 to 1000000",
        "9: handler.b.stream: \"a b\" is no name; it has 1 to 200 printable characters of ASCII, "
        "and no space",
        "10: handler.b.partitions: 257 is out of range; it must be from 1 to 256",
        "11: handler.b.seen_for: \"1s\" is out of range; it must be from 1m to 3650d",
        "12: handler.b.replicas: 101 is out of range; it must be from 0 to 100"}},
      {redis + hosts + "seen_for = \"90500ms\"",
       {"8: handler.b.seen_for: must be whole seconds, such as \"90s\""}},
  });
}

TEST_CASE("bad values of Kafka") {
  if (!is_built_in(HandlerType::kafka)) return;
  const std::string no_topic =
      " is no topic; it has 1 to 249 letters, digits, \".\", \"_\" or \"-\"";
  const std::string no_use = "is of no use without sasl, such as sasl = \"scram-sha-512\"";
  check({
      {kafka + "topic = \"wx:events\"", {"7: handler.b.topic: \"wx:events\"" + no_topic}},
      {kafka + "topic = \"..\"", {"7: handler.b.topic: \"..\"" + no_topic}},
      {kafka + "user = \"wx\"\npassword = \"p\"",
       {"7: handler.b.user: " + no_use, "8: handler.b.password: " + no_use}},
      {kafka + "sasl = \"plain\"",
       {"3: handler.b.user: is missing; sasl needs one",
        "3: handler.b.password: is missing; sasl needs it (or password_file)"}},
      {kafka + "sasl = \"gssapi\"",
       {"7: handler.b.sasl: \"gssapi\" is unknown; it must be \"none\", \"plain\", "
        "\"scram-sha-256\" or \"scram-sha-512\""}},
      {kafka + "partitions = 3",
       {"7: handler.b.partitions: unknown key; known here are apps, ca_file, certificate, "
        "concurrency, dedupe, events, from, give_up_after, hosts, max_attempts, max_backlog_age, "
        "name, on_dead, password, password_file, private_key, renamed_from, retry_max, retry_min, "
        "sasl, secret_files, secrets, timeout, tls, topic, type and user"}},
  });
}

TEST_CASE("no mistake is told with a password or a secret in it") {
  if (!is_built_in(HandlerType::amqp)) return;
  const Scratch scratch;
  const std::string secret = "hunter2hunter2";
  const auto told =
      scratch.problems(minimal + "[[handler]]\nname = \"b\"\ntype = \"amqp\"\npassword = \"" +
                       secret + std::string(1025, 'x') + "\"\nsecrets = [\"" + secret + "\"]\n");
  CHECK(told.size() == 3);  // no hosts either
  for (const auto& line : told) CHECK(line.find(secret) == std::string::npos);
}

TEST_CASE("what an acknowledgement cannot wait for") {
  if (!is_built_in(HandlerType::amqp)) return;
  const std::string app = app_start + keys;                                      // lines 3 to 7
  const std::string ack = "ack_after = \"broker\"\nack_handler = \"rabbit\"\n";  // lines 8 and 9
  const std::string rabbit =
      "[[handler]]\nname = \"rabbit\"\ntype = \"amqp\"\nhosts = \"a\"\npassword = \"p\"\n";
  const std::string print = "[[handler]]\nname = \"print\"\ntype = \"log\"\n";
  check({
      {app + "ack_after = \"disk\"",
       {"8: app.shop.ack_after: \"disk\" is unknown; it must be \"local\", \"broker\" or "
        "\"both\""}},
      {app + "ack_after = \"both\"\n" + rabbit,
       {"3: app.shop.ack_handler: is missing; name the [[handler]] whose broker must have an event "
        "before it is acknowledged"}},
      {app + "ack_handler = \"rabbit\"\n" + rabbit,
       {"8: app.shop.ack_handler: is of no use without ack_after = \"broker\" or \"both\""}},
      {app + "ack_after = \"local\"\nack_handler = \"rabbit\"\n" + rabbit,
       {"9: app.shop.ack_handler: is of no use without ack_after = \"broker\" or \"both\""}},
      {app + "ack_after = \"broker\"\nack_handler = 1\n" + rabbit,
       {"9: app.shop.ack_handler: is an integer; it must be the name of a [[handler]] in double "
        "quotes"}},
      {app + ack + print,
       {"9: app.shop.ack_handler: there is no [[handler]] named \"rabbit\"; give the name of one "
        "of type amqp, redis or kafka"}},
      {app + "ack_after = \"broker\"\nack_handler = \"rabit\"\n" + rabbit,
       {"9: app.shop.ack_handler: there is no [[handler]] named \"rabit\"; did you mean "
        "\"rabbit\"?"}},
      {app + "ack_after = \"broker\"\nack_handler = \"print\"\n" + print,
       {"9: app.shop.ack_handler: handler \"print\" is none of a broker (amqp, redis or kafka)"}},
      {app + ack +
           "[[app]]\nname = \"cafe\"\nappid = \"wx2\"\ntoken = \"u\"\nencoding_aes_key = \"" +
           other_aes_key + "\"\n" + rabbit + "apps = [\"cafe\"]",
       {"9: app.shop.ack_handler: handler \"rabbit\" does not get the events of this app"}},
      {app + ack + rabbit + "dedupe = \"business_key\"",
       {"9: app.shop.ack_handler: handler \"rabbit\" has dedupe = \"business_key\": it is not "
        "offered what repeats an earlier event, so nothing could confirm that"}},
  });
}

TEST_CASE("a handler in a file that cannot be read is not said to be missing") {
  const Scratch scratch;
  const auto told = scratch.problems("include = [\"gone.toml\"]\n" + minimal +
                                     "ack_after = \"broker\"\nack_handler = \"rabbit\"\n");
  REQUIRE(told.size() == 1);
  CHECK(told[0].find("gone.toml") != std::string::npos);
}
