// A connection to a Redis that says what a test wants. What a real one does: tests/brokers.
#include "handlers/sink/redis.h"
#include "tests/handlers/queue/fake_clock.h"
#include "tests/handlers/sink/fake_redis.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <poll.h>

using namespace wxpush;
using namespace wxpush::sink;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

constexpr milliseconds patience{60'000};

std::string event_id(std::uint64_t ticket) {
  return std::to_string(ticket) + std::string(63, '0');
}

struct RedisFixture {
  FakeRedis redis;
  queue::FakeClock clock;
  RedisSettings settings;
  std::unique_ptr<BrokerLink> link;
  std::map<std::uint64_t, Outcome> told;

  RedisFixture() {
    settings.access.hosts = {{redis.path(), 0}};
    settings.access.timeout = patience;
    settings.stream = "wx";
  }
  void open() { link = open_redis(settings, clock); }

  void publish(std::uint64_t ticket, const std::string& body = "{}") const {
    Delivery delivery;
    delivery.stored.event_id = *event::parse_event_id(event_id(ticket));
    delivery.stored.body = body;
    link->publish(ticket, delivery);
  }
  void exchange() {
    link->exchange([this](std::uint64_t ticket, Outcome outcome) {
      CHECK(told.emplace(ticket, std::move(outcome)).second);
    });
  }
  // As the thread does, until it is so.
  void exchange_until(const std::function<bool()>& is_so) {
    while (!is_so()) {
      pollfd watched{link->socket(), POLLIN, 0};
      if (link->wants_to_write()) watched.events |= POLLOUT;
      REQUIRE(::poll(&watched, 1, static_cast<int>(patience.count())) == 1);
      exchange();
    }
  }
  void exchange_until_told(std::size_t count) {
    exchange();
    exchange_until([&] { return told.size() >= count; });
  }
  // Until the link breaks; why it did.
  std::string broken() {
    try {
      exchange();
      exchange_until([] { return false; });
    } catch (const LinkError& error) {
      return error.what();
    }
    return {};
  }
  std::string refused() {
    try {
      open();
    } catch (const LinkError& error) {
      return error.what();
    }
    return {};
  }
  // The next look, a minute after the first exchange.
  void wait_a_minute() {
    exchange();
    clock.advance(seconds(60));
    exchange();
  }
};

std::string stream_of(int added, int length, const std::string& first) {
  const auto number = [](int value) { return ':' + std::to_string(value) + "\r\n"; };
  return FakeRedis::list({FakeRedis::text("length"), number(length),
                          FakeRedis::text("entries-added"), number(added),
                          FakeRedis::text("recorded-first-entry-id"), FakeRedis::text(first)});
}

}  // namespace

TEST_CASE_FIXTURE(RedisFixture, "events are sent together, and each is told of what became of it") {
  redis.on("EVALSHA", [](const FakeRedis::Words& words) {
    return words.back() == "full" ? "-OOM command not allowed\r\n" : FakeRedis::text("1-0");
  });
  open();
  publish(1);
  publish(2, "full");
  publish(3);
  exchange_until_told(3);
  CHECK_FALSE(told[1].has_value());
  REQUIRE(told[2].has_value());
  CHECK(told[2]->error == "Redis: OOM command not allowed");
  CHECK(told[2]->blame == Blame::handler);
  CHECK_FALSE(told[3].has_value());
  const auto words = redis.all_of("EVALSHA").back();
  CHECK(words[3] == "wx");
  CHECK(words[4] == "wx:seen:" + event_id(3));
  CHECK(words[5] == "604800");
  CHECK(words[words.size() - 2] == "body");
  CHECK(words.back() == "{}");
}

TEST_CASE_FIXTURE(RedisFixture, "what Redis does not read yet keeps nobody waiting") {
  open();
  redis.pause();
  publish(1, std::string(8'000'000, 'x'));
  exchange();
  CHECK(link->wants_to_write());
  CHECK(told.empty());
  redis.resume();
  exchange_until_told(1);
  CHECK_FALSE(told[1].has_value());
  CHECK_FALSE(link->wants_to_write());
}

TEST_CASE_FIXTURE(RedisFixture, "one WAIT is for all that was sent before it") {
  settings.replicas = 2;
  open();
  const auto before = redis.all_of("WAIT").size();  // in the transaction that tries the rights
  redis.on("WAIT", "");                             // not yet, and nothing behind it
  redis.on("EVALSHA", [](const FakeRedis::Words& words) {
    return words.back() == "behind it" ? "" : FakeRedis::text("1-0");
  });
  publish(1);
  publish(2);
  exchange();
  publish(3, "behind it");
  exchange();
  CHECK(redis.wait_for("EVALSHA", 4).size() == 4);
  CHECK(redis.all_of("WAIT").size() == before + 1);
  CHECK(told.empty());
}

TEST_CASE_FIXTURE(RedisFixture, "what too few replicas have is not done") {
  settings.replicas = 2;
  redis.on("WAIT", ":1\r\n");
  open();
  publish(1);
  publish(2);
  exchange_until_told(2);
  for (const std::uint64_t ticket : {1U, 2U}) {
    REQUIRE(told[ticket].has_value());
    CHECK(told[ticket]->error == "only 1 of 2 replicas have it");
  }
  redis.on("WAIT", ":2\r\n");
  publish(3);
  exchange_until_told(3);
  CHECK_FALSE(told[3].has_value());
  // It says so before the thread gives the connection up.
  const FakeRedis::Words wait{"WAIT", "2", "20000"};
  CHECK(redis.all_of("WAIT").back() == wait);
}

TEST_CASE_FIXTURE(RedisFixture, "what the script refused is told at once, whatever replicas do") {
  settings.replicas = 1;
  redis.on("EVALSHA", "-NOPERM no\r\n");
  redis.on("MULTI", "-NOPERM no\r\n");
  redis.on("WAIT", "");
  open();
  publish(1);
  exchange_until_told(1);
  CHECK(told[1]->error == "Redis: NOPERM no");
}

TEST_CASE_FIXTURE(RedisFixture, "it looks again every minute, at settings and at streams") {
  open();
  CHECK(link->report().warnings.empty());
  clock.advance(seconds(60));
  exchange();  // the first one: the look of the opening is a minute old at the most
  CHECK(redis.all_of("CONFIG").size() == 5);
  redis.on("XINFO STREAM", stream_of(9, 1, "9-0"));
  redis.on("XINFO GROUPS",
           FakeRedis::list({FakeRedis::list(
               {FakeRedis::text("name"), FakeRedis::text("slow"), FakeRedis::text("entries-read"),
                ":3\r\n", FakeRedis::text("last-delivered-id"), FakeRedis::text("3-0")})}));
  clock.advance(seconds(60));
  exchange();
  exchange_until([&] { return !link->report().warnings.empty(); });
  CHECK(link->report().warnings.front().find("group slow never read") != std::string::npos);
  redis.set("maxmemory-policy", "allkeys-lru");
  redis.set("maxmemory", "1000000");
  clock.advance(seconds(60));
  CHECK(broken().starts_with("maxmemory-policy is allkeys-lru"));
}

TEST_CASE_FIXTURE(RedisFixture, "a Redis that is too old to tell of trimming says so once") {
  settings.partitions = 3;
  redis.on("XINFO STREAM", FakeRedis::list({FakeRedis::text("length"), ":4\r\n"}));
  open();
  REQUIRE(link->report().warnings.size() == 1);
  CHECK(link->report().warnings.front().ends_with("cannot be seen: Redis tells it from 7 on"));
}

TEST_CASE_FIXTURE(RedisFixture, "the rights are tried on the stream of every partition") {
  settings.partitions = 3;
  redis.on("XADD", [](const FakeRedis::Words& words) {
    return words[1] == "wx.2" ? "-NOPERM no permissions\r\n" : FakeRedis::text("QUEUED");
  });
  CHECK(refused().starts_with("XADD to wx.2: NOPERM"));
}

TEST_CASE_FIXTURE(RedisFixture, "a connection on which nothing is answered is found, also idle") {
  open();
  CHECK(link->heartbeat() == seconds(60));
  redis.pause();
  wait_a_minute();
  settings.access.timeout = seconds(5);
  CHECK(link->heartbeat() == seconds(5));
  clock.advance(milliseconds(4999));
  exchange();
  clock.advance(milliseconds(1));
  CHECK(broken() == "no answer within 5000 ms");
}

TEST_CASE_FIXTURE(RedisFixture,
                  "what another Redis at this address answers breaks the connection") {
  for (const char* const answer :
       {"-NOSCRIPT No matching script.", "-READONLY You can't write against a read only replica.",
        "-ERR Error running script: -READONLY You can't write against a read only replica."}) {
    FakeRedis other;
    settings.access.hosts = {{other.path(), 0}};
    open();
    other.on("EVALSHA", std::string(answer) + "\r\n");
    publish(1);
    CHECK(broken() == "Redis: " + std::string(answer).substr(1));
    CHECK(told.empty());
    link.reset();
  }
}

TEST_CASE_FIXTURE(RedisFixture,
                  "a connection that ends, or says what was never asked, is of no use") {
  SUBCASE("it ends") {
    open();
    publish(1);
    redis.on("EVALSHA", "");
    exchange();
    redis.wait_for("EVALSHA", 2);
    redis.hang_up();
    CHECK(broken() == "connection lost: Server closed the connection");
  }
  SUBCASE("an answer too many") {
    redis.on("DISCARD", "+OK\r\n+OK\r\n");
    const auto why = refused();
    CHECK((link ? broken() : why).starts_with("Redis answered what was never asked"));
  }
  SUBCASE("no answer of Redis'") {
    redis.on("PING", "HTTP/1.1 400 Bad Request\r\n");
    CHECK(refused().starts_with("connection lost: Protocol error"));
  }
}

TEST_CASE_FIXTURE(RedisFixture, "nobody is let in without what is needed") {
  SUBCASE("the login takes too long") {
    settings.access.timeout = milliseconds(50);
    redis.on("PING", "");
    CHECK(refused() == "no answer within 50 ms");
  }
  SUBCASE("the password is wrong, and Redis repeats it") {
    settings.access.user = "wxpush";
    settings.access.password = "hunter2";
    redis.on("AUTH",
             "-ERR unknown command 'AUTH', with args beginning with: 'wxpush' 'hunter2'\r\n");
    CHECK(refused() == "login: ERR unknown command 'AUTH'");
    const FakeRedis::Words login{"AUTH", "wxpush", "hunter2"};
    CHECK(redis.all_of("AUTH").front() == login);
  }
  SUBCASE("the path of the socket is cut by the system") {
    settings.access.hosts = {{"/tmp/" + std::string(200, 'x'), 0}};
    CHECK(refused() == "no connection: the path of the unix socket is too long");
  }
}

TEST_CASE_FIXTURE(RedisFixture, "nothing is added to try it, if it cannot be tried") {
  redis.on("MULTI", "-NOPERM no\r\n");
  open();
  CHECK(redis.all_of("XADD").empty());
  CHECK(redis.all_of("SET").empty());
  REQUIRE(link->report().warnings.size() == 1);
  CHECK(link->report().warnings.front() == "whether we may add cannot be seen (NOPERM no)");
}
