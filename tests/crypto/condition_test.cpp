#include "crypto/primitives/condition.h"

#include "crypto/wechat/push_codec.h"

#include <boost/system/error_code.hpp>
#include <doctest/doctest.h>

#include <set>
#include <string>

namespace wxpush {

TEST_CASE("condition: a caller tells errors of a layer apart without knowing their codes") {
  using crypto::CodecError;
  for (const CodecError refused :
       {CodecError::bad_signature, CodecError::not_opened, CodecError::foreign_appid}) {
    const boost::system::error_code error = refused;
    CHECK(error == Condition::untrusted);
    CHECK(error != Condition::transient);
    CHECK(error != Condition::permanent);
    CHECK(error != Condition::overload);
  }
  const boost::system::error_code settings = CodecError::bad_key;
  CHECK(settings == Condition::permanent);
  CHECK(settings != Condition::untrusted);
}

TEST_CASE("condition: success, and errors of others, are none of ours") {
  const boost::system::error_code success;
  CHECK(success != Condition::transient);
  CHECK(make_error_code(boost::system::errc::io_error) != Condition::transient);
}

TEST_CASE("condition: each has a text of its own, and so has each codec error") {
  std::set<std::string> texts;
  for (int value = 0; value <= 5; ++value) texts.insert(condition_category().message(value));
  for (int value = 0; value <= 5; ++value) texts.insert(crypto::codec_category().message(value));
  CHECK(texts.size() == 12);
  CHECK(std::string(condition_category().name()) == "wxpush.condition");
  CHECK(std::string(crypto::codec_category().name()) == "wxpush.codec");
}

}  // namespace wxpush
