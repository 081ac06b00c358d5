#pragma once
// One reader a section of the file. Each checks what it reads, also against what was read before
// it.

#include "config/section.h"

#include <map>
#include <string>
#include <vector>

namespace wxpush::config {

void read_server(Section section, Server& server);
void read_admin(Section section, const Server& server, Admin& admin);
void read_store(Section section, const Server& server, const Admin& admin, Store& store);
void read_orders(Section section, const Store& store, Orders& orders);
void read_log(Section section, Logging& log);

// One [[app]] or [[handler]] with its name; the name is empty if it is missing or wrong.
struct Entry {
  std::string name;
  Section section;
};
// All entries of a kind in all files, named, and told apart: no name stands twice.
std::vector<Entry> find_entries(Loading& loading, const std::vector<File>& files,
                                const std::string& kind, std::size_t most);

std::vector<App> read_apps(const std::vector<Entry>& entries);
std::vector<Handler> read_handlers(const std::vector<Entry>& entries, const std::vector<App>& apps);
// Whether the handlers that acknowledgements wait for are there and get the app's events.
void check_ack_handlers(const std::vector<Entry>& entries, const std::vector<App>& apps,
                        const std::vector<Handler>& handlers);

// The app's pairs of Token and EncodingAESKey.
std::vector<Key> read_keys(Section& app);

// The app's [[app.route]] entries.
std::vector<Route> read_routes(Section& app);

// Event types, each perhaps with a trailing *, in lower case; nothing if the key is not there.
void read_events(Section& section, std::vector<std::string>& into);

// The secret that a file holds, and nothing else but line ends; a problem and nothing if it does
// not.
std::optional<Secret> read_secret_file(Section& section, const Section::Text& given);

// A secret that stands under `key`, or in the file that `key`_file names; of the two, the
// environment's replaces the file's. `check` says what is wrong with it; empty if it is good.
struct GivenSecret {
  bool is_given = false;
  Secret value;  // empty if it is not given or was not good
};
GivenSecret read_secret(Section& section, const std::string& key,
                        std::string (*check)(std::string_view));
// The keys that bodies are sealed with: encryption_key_file, old_encryption_key_files.
void read_body_keys(Section& section, Store& store);
// The keys that sign what is sent: secrets and secret_files, decoded.
void read_signing_secrets(Section& section, std::vector<Secret>& into);
// The client's own certificate and key, which belong together.
void read_client_certificate(Section& section, std::filesystem::path& certificate,
                             std::filesystem::path& private_key);

// Whom to post to: url, ca_file and allow_private.
void read_back_end(Section& section, BackEnd& into);
// The settings of a [[handler]] of type http.
void read_http(Section& section, HttpTarget& into);
// Likewise of the brokers' types.
void read_amqp(Section& section, AmqpTarget& into);
void read_redis(Section& section, RedisTarget& into);
void read_kafka(Section& section, KafkaTarget& into);

// Where a broker may be: so many hosts, unix sockets among them or not.
struct BrokerPlaces {
  std::uint16_t port, tls_port;  // where nothing else is said
  std::size_t most;
  bool sockets_too = false;
};
// After `tls`, which the usual port hangs on.
void read_broker_hosts(Section& section, const BrokerPlaces& places, Broker& into);

// One listening address; a problem and nothing if it is none.
std::optional<ListenAddress> read_address(Section& section, const Section::Text& given);
// Whether both cannot be listened on at once.
bool overlap(const ListenAddress& a, const ListenAddress& b);
// A problem if the path does not fit into a unix socket's address.
bool fits_unix_socket(Loading& loading, const Origin& origin, const std::filesystem::path& path,
                      std::string_view remedy);

}  // namespace wxpush::config
