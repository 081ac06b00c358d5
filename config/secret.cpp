#include "config/secret.h"

#include <ostream>
#include <string.h>  // explicit_bzero: a call the compiler may not drop

namespace wxpush::config {

void wipe(std::string& text) noexcept {
  text.resize(
      text.capacity());  // never reallocates, and reaches what an earlier, longer value left
  explicit_bzero(text.data(), text.size());
  text.clear();
}

// Short strings live inside the object, so moving or swapping one leaves its bytes behind: hence
// the wiping of every string that has been moved from.
Secret::Secret(std::string value) noexcept {
  value_.swap(value);
  wipe(value);
}

Secret::Secret(Secret&& other) noexcept {
  value_.swap(other.value_);
  wipe(other.value_);
}

Secret& Secret::operator=(const Secret& other) {
  Secret copy(other);  // a plain assignment could free the old buffer unwiped
  value_.swap(copy.value_);
  return *this;
}

Secret& Secret::operator=(Secret&& other) noexcept {
  Secret moved(std::move(other));
  value_.swap(moved.value_);
  return *this;
}

Secret::~Secret() {
  wipe(value_);
}

std::ostream& operator<<(std::ostream& out, const Secret& secret) {
  return secret.empty() ? out : out << "***";
}

}  // namespace wxpush::config
