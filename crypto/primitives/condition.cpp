#include "crypto/primitives/condition.h"

#include <string>

namespace wxpush {
namespace {

class ConditionCategory final : public boost::system::error_category {
 public:
  const char* name() const noexcept override { return "wxpush.condition"; }
  std::string message(int condition) const override {
    switch (static_cast<Condition>(condition)) {
      case Condition::untrusted:
        return "the peer could not prove what it sent";
      case Condition::transient:
        return "may succeed later";
      case Condition::permanent:
        return "will never succeed as it is";
      case Condition::overload:
        return "a bound is reached";
    }
    return "unknown condition " + std::to_string(condition);
  }
};

}  // namespace

const boost::system::error_category& condition_category() noexcept {
  static const ConditionCategory category;
  return category;
}

}  // namespace wxpush
