#pragma once
// A value that many threads read and a reload replaces whole: whoever has got it keeps it for as
// long as it is used.

#include <memory>
#include <mutex>
#include <utility>

namespace wxpush::server {

template <class Value>
class SharedValue {
 public:
  SharedValue() = default;
  explicit SharedValue(std::shared_ptr<Value> value) : value_(std::move(value)) {}

  std::shared_ptr<Value> get() const {
    const std::lock_guard lock(mutex_);
    return value_;
  }
  void set(std::shared_ptr<Value> value) {
    const std::lock_guard lock(mutex_);
    value_.swap(value);  // the former one ends after the lock
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<Value> value_;
};

}  // namespace wxpush::server
