#include "crypto/primitives/condition.h"
#include "handlers/queue/queue.h"

namespace wxpush::queue {
namespace {

class QueueCategory final : public boost::system::error_category {
 public:
  const char* name() const noexcept override { return "wxpush.queue"; }

  std::string message(int code) const override {
    switch (static_cast<QueueError>(code)) {
      case QueueError::overloaded:
        return "too many pushes are waiting to be stored";
      case QueueError::no_space:
        return "no space is left for the store";
      case QueueError::store_failed:
        return "the store failed and must be opened again";
      case QueueError::stopped:
        return "the queue is stopped";
    }
    return "unknown queue error";
  }

  boost::system::error_condition default_error_condition(int code) const noexcept override {
    switch (static_cast<QueueError>(code)) {
      case QueueError::overloaded:
        return make_error_condition(Condition::overload);
      case QueueError::no_space:
      case QueueError::stopped:
        return make_error_condition(Condition::transient);
      case QueueError::store_failed:
        return make_error_condition(Condition::permanent);
    }
    return {code, *this};
  }
};

}  // namespace

const boost::system::error_category& queue_category() noexcept {
  static const QueueCategory category;
  return category;
}

}  // namespace wxpush::queue
