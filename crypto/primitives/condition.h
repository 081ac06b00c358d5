#pragma once
// What a caller may do about an error of any layer, whatever its own code: each layer's error
// category maps its codes to one of these, so that `error == Condition::transient` works across
// layers.

#include <boost/system/error_code.hpp>
#include <boost/system/error_condition.hpp>

namespace wxpush {

enum class Condition {
  untrusted = 1,  // the peer could not prove what it sent: refuse, say nothing
  transient,      // may succeed later without a change
  permanent,      // will never succeed as it is
  overload,       // a bound is reached: ask again later
};

const boost::system::error_category& condition_category() noexcept;

inline boost::system::error_condition make_error_condition(Condition c) noexcept {
  return {static_cast<int>(c), condition_category()};
}

}  // namespace wxpush

template <>
struct boost::system::is_error_condition_enum<wxpush::Condition> : std::true_type {};
