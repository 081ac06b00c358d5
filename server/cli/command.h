#pragma once
// What a subcommand is to the rest: something that was chosen on the command line and can be run.

#include "server/cli/exit_code.h"

#include <functional>
#include <iosfwd>
#include <stdexcept>
#include <string>

namespace CLI {
class App;
}

namespace wxpush::cli {

// Data goes to `out`, notices to `err`: what a script reads is never mixed with what a person
// reads.
struct Streams {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  bool interactive = false;  // a person sits at `in` and can be asked
};

// Ends a command: `what` goes to stderr behind "wxpush: ", the code becomes the process's.
class CommandError : public std::runtime_error {
 public:
  CommandError(ExitCode code, const std::string& what) : std::runtime_error(what), code_(code) {}
  ExitCode code() const noexcept { return code_; }

 private:
  ExitCode code_;
};

struct Command {
  std::function<int(Streams&)> run;  // answers the exit code
  // It reads the store, so it runs in a process of its own (apart.h). Then `when_interrupted` is
  // what ^C makes of it: following ends that way and succeeds.
  bool reads_store = false;
  int when_interrupted = 130;
};

// Every subcommand adds itself to the parser; when it is the one that was typed, its callback puts
// itself into `chosen`. One file each.
void add_init(CLI::App& parent, Command& chosen);
void add_serve(CLI::App& parent, Command& chosen);
void add_check(CLI::App& parent, Command& chosen);
void add_keygen(CLI::App& parent, Command& chosen);
void add_keys(CLI::App& parent, Command& chosen);
void add_trigger(CLI::App& parent, Command& chosen);
void add_bench(CLI::App& parent, Command& chosen);
void add_verify(CLI::App& parent, Command& chosen);
void add_decrypt(CLI::App& parent, Command& chosen);
void add_encrypt(CLI::App& parent, Command& chosen);
void add_sign(CLI::App& parent, Command& chosen);
void add_events(CLI::App& parent, Command& chosen);
void add_replay(CLI::App& events, Command& chosen);  // under `events`
void add_erase(CLI::App& events, Command& chosen);   // likewise
void add_orders(CLI::App& parent, Command& chosen);
void add_dead_letters(CLI::App& parent, Command& chosen);
void add_quarantine(CLI::App& parent, Command& chosen);
void add_handlers(CLI::App& parent, Command& chosen);
void add_store(CLI::App& parent, Command& chosen);
void add_store_check(CLI::App& store, Command& chosen);  // these under `store`
void add_store_salvage(CLI::App& store, Command& chosen);
void add_store_backup(CLI::App& store, Command& chosen);
void add_store_restore(CLI::App& store, Command& chosen);
void add_reload(CLI::App& parent, Command& chosen);
void add_status(CLI::App& parent, Command& chosen);
void add_health(CLI::App& parent, Command& chosen);
void add_completion(CLI::App& parent, Command& chosen);

}  // namespace wxpush::cli
