#pragma once
// From settings to what an HTTP client is made from.

#include "config/settings.h"
#include "handlers/sink/http_client.h"

namespace wxpush::server {

inline sink::HttpPeer http_peer(const config::BackEnd& back_end) {
  sink::HttpPeer peer;
  peer.url = *parse_url(back_end.url);  // checked by the settings
  peer.ca_file = back_end.ca_file;
  peer.allow_private = back_end.allow_private;
  return peer;
}

}  // namespace wxpush::server
