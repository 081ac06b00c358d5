#include "handlers/sink/outcome.h"

namespace wxpush::sink {

Failure failure_of(const std::exception_ptr& thrown) {
  Failure failure;
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& error) {
    failure.error = error.what();
  } catch (...) {
    failure.error = "an exception of unknown type";
  }
  if (failure.error.empty()) failure.error = "an exception without a text";
  return failure;
}

}  // namespace wxpush::sink
