#include "config/load.h"
#include "config/sections.h"
#include "config/values.h"

#include <doctest/doctest.h>

using namespace wxpush::config;

namespace {

std::string normal(const char* text) {
  const auto address = parse_listen(text, "/base");
  return address ? to_string(*address) : "none";
}

std::array<std::uint8_t, 16> address_of(const char* text) {
  return parse_network(text).value().address;
}

}  // namespace

TEST_CASE("listening addresses are numeric, or unix sockets") {
  CHECK(normal("0.0.0.0:8443") == "0.0.0.0:8443");
  CHECK(normal("127.0.0.1:0") == "127.0.0.1:0");
  CHECK(normal("[::]:8443") == "[::]:8443");
  CHECK(normal("[0:0::1]:443") == "[::1]:443");
  CHECK(normal("unix:/run/push.sock") == "unix:/run/push.sock");
  CHECK(normal("unix:push.sock") == "unix:/base/push.sock");
}

TEST_CASE("what is no listening address") {
  for (const char* text : {"", "8443", ":8443", "localhost:8443", "1.2.3:80", "1.2.3.4",
                           "1.2.3.4:", "1.2.3.4:65536", "1.2.3.4:-1", "1.2.3.4:080", "1.2.3.4:80x",
                           "::1:80", "::1", "[::1]", "[::1]80", "[1.2.3.4]:80", "[]:80", "unix:"}) {
    CAPTURE(text);
    CHECK(normal(text) == "none");
  }
}

TEST_CASE("addresses overlap if both cannot be bound at once") {
  const auto meet = [](const char* a, const char* b) {
    return overlap(*parse_listen(a, "/"), *parse_listen(b, "/"));
  };
  CHECK(meet("1.2.3.4:80", "1.2.3.4:80"));
  CHECK(meet("0.0.0.0:80", "1.2.3.4:80"));
  CHECK(meet("[::1]:80", "[::]:80"));
  CHECK(meet("unix:/a", "unix:/a"));
  CHECK_FALSE(meet("1.2.3.4:80", "1.2.3.4:81"));
  CHECK_FALSE(meet("1.2.3.4:80", "1.2.3.5:80"));
  CHECK_FALSE(meet("1.2.3.4:0", "1.2.3.4:0"));
  CHECK_FALSE(meet("0.0.0.0:80", "[::]:80"));
  CHECK_FALSE(meet("unix:/a", "unix:/b"));
  CHECK_FALSE(meet("unix:/a", "1.2.3.4:80"));
}

TEST_CASE("networks are normalised: the bits below the prefix are zero") {
  CHECK(parse_network("10.1.2.3/8").value().text == "10.0.0.0/8");
  CHECK(parse_network("10.1.2.3").value().text == "10.1.2.3/32");
  CHECK(parse_network("0.0.0.0/0").value().text == "0.0.0.0/0");
  CHECK(parse_network("fd00:1::5/7").value().text == "fc00::/7");
  CHECK(parse_network("::1").value().text == "::1/128");
  CHECK(parse_network("10.0.0.0/8").value().prefix == 104);
}

TEST_CASE("a network contains what shares its prefix") {
  const auto ten = parse_network("10.0.0.0/8").value();
  CHECK(ten.contains(address_of("10.255.0.1")));
  CHECK_FALSE(ten.contains(address_of("11.0.0.1")));
  CHECK_FALSE(ten.contains(address_of("::a00:1")));
  CHECK(ten.contains(address_of("::ffff:10.0.0.1")));
  const auto odd = parse_network("192.168.4.0/22").value();
  CHECK(odd.contains(address_of("192.168.7.255")));
  CHECK_FALSE(odd.contains(address_of("192.168.8.0")));
  CHECK(parse_network("::/0").value().contains(address_of("1.2.3.4")));
  CHECK_FALSE(parse_network("0.0.0.0/0").value().contains(address_of("fd00::1")));
  CHECK_FALSE(parse_network("1.2.3.4").value().contains(address_of("1.2.3.5")));
}

TEST_CASE("what is no network") {
  for (const char* text : {"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/08",
                           "10.0.0/8", "::/129", "proxy.local", "10.0.0.0/8/8", "10.0.0.0 /8"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_network(text).has_value());
  }
}
