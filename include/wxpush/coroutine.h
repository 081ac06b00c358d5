#pragma once
// Callbacks that are coroutines of Boost.Asio:
//
//   receiver.on_event("erp", [](const wxpush::Event& event) -> boost::asio::awaitable<void> {
//     auto executor = co_await boost::asio::this_coro::executor;
//     …                                                       // throw to be called again
//   }, {.concurrency = 64});
//
// They return boost::asio::awaitable of void or of Result, and answer as every callback does. Each
// handler has an io_context of its own with one thread: up to Options::concurrency coroutines are
// under way on it, none runs beside another, and one that blocks the thread holds up its handler's
// others. The event and the lambda with its captures live until the coroutine has ended. What is
// made with its executor (sockets, timers) belongs into the coroutine: the io_context goes with the
// stop of the receiver. What a handler of your own on it throws is caught and dropped: it is no
// coroutine's answer.
//
// At the deadline of a stop each coroutine that still waits gets a terminal cancellation, and what
// it waits for ends with operation_aborted; what does not heed that is destroyed where it stands.
// Its event comes again after the next start.
//
// A program that includes this uses the Boost that the library was built with. g++ 12 destroys
// temporaries twice in an expression that holds co_await: keep arguments in named variables there.

#include <wxpush/receiver.h>

#include <boost/asio/awaitable.hpp>

#ifdef WXPUSH_BOOST_VERSION  // of the library, from pkg-config; find_package asks for it itself
static_assert(BOOST_VERSION == WXPUSH_BOOST_VERSION,
              "this is not the Boost that the wxpush library was built with");
#endif

namespace wxpush::detail {

struct Coroutine {
  std::function<boost::asio::awaitable<Result>(Event)> call;
};

template <class Kind, class Returned, class F>
boost::asio::awaitable<Result> run_coroutine(std::shared_ptr<F> f, Event event) {
  if (!Kind::wants(event)) co_return Result();
  if constexpr (std::same_as<Returned, void>) {
    co_await Kind::call(*f, event);
    co_return Result();
  } else {
    Result result = co_await Kind::call(*f, event);
    co_return result;
  }
}

template <class Returned>
struct Adapter<boost::asio::awaitable<Returned>> {
  static_assert(std::same_as<Returned, void> || std::same_as<Returned, Result>,
                "a coroutine returns boost::asio::awaitable of void or of wxpush::Result");

  template <class Kind, class F>
  static std::shared_ptr<const Coroutine> make(F callback) {
    auto f = std::make_shared<F>(std::move(callback));
    Coroutine made{[f](Event event) { return run_coroutine<Kind, Returned>(f, std::move(event)); }};
    return std::make_shared<const Coroutine>(std::move(made));
  }
};

}  // namespace wxpush::detail
