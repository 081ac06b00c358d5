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

// The app's pairs of Token and EncodingAESKey.
std::vector<Key> read_keys(Section& app);

// The app's [[app.route]] entries.
std::vector<Route> read_routes(Section& app);

// Event types, each perhaps with a trailing *, in lower case; nothing if the key is not there.
void read_events(Section& section, std::vector<std::string>& into);

// The secret that a file holds, and nothing else but line ends; a problem and nothing if it does
// not.
std::optional<Secret> read_secret_file(Section& section, const Section::Text& given);

// Whom to post to: url, ca_file and allow_private.
void read_back_end(Section& section, BackEnd& into);
// The settings of a [[handler]] of type http.
void read_http(Section& section, HttpTarget& into);

// One listening address; a problem and nothing if it is none.
std::optional<ListenAddress> read_address(Section& section, const Section::Text& given);
// Whether both cannot be listened on at once.
bool overlap(const ListenAddress& a, const ListenAddress& b);
// A problem if the path does not fit into a unix socket's address.
bool fits_unix_socket(Loading& loading, const Origin& origin, const std::filesystem::path& path,
                      std::string_view remedy);

}  // namespace wxpush::config
