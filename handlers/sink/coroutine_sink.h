#pragma once
// Callbacks that are coroutines: many attempts under way on one thread.

#include "handlers/sink/sink.h"

#include <boost/asio/awaitable.hpp>

#include <functional>
#include <memory>

namespace wxpush::sink {

// As an EventCallback. The delivery lives until the coroutine has ended or was destroyed.
using CoroutineCallback = std::function<boost::asio::awaitable<Outcome>(const Delivery&)>;

// Runs them on an io_context of its own with one thread. stop() waits until the deadline, then
// cancels (terminal) what is still under way, and destroys what does not heed that, on the same
// thread. It answers 1 if a coroutine blocks that thread, which then goes as soon as it is let.
std::unique_ptr<Sink> make_coroutine_sink(CoroutineCallback callback);

}  // namespace wxpush::sink
