#pragma once
// Between what the public headers show (include/wxpush/) and what the tree works with.

#include "handlers/sink/callbacks.h"
#include "handlers/sink/outcome.h"
#include "server/order_query.h"
#include <wxpush/event.h>
#include <wxpush/orders.h>
#include <wxpush/result.h>

namespace wxpush::server {

Event public_event(const sink::Delivery& delivery);
OrderTimeline public_order(const OrderView& order);

// retry: not judged, the callback is in trouble, as an exception says. permanent: judged.
sink::Outcome outcome_of(const Result& result);

}  // namespace wxpush::server
