#pragma once
// Where the connections of a load go: one address, so that each opens as the others do.

#include "handlers/base/url.h"

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>

namespace wxpush::cli {

// Of several addresses of a host the first that takes a connection; the first of all if none does.
// CommandError 69 if the host has none.
boost::asio::generic::stream_protocol::endpoint find_endpoint(boost::asio::io_context& context,
                                                              const Url& url);

}  // namespace wxpush::cli
