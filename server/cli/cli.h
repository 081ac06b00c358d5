#pragma once
// The command line of wxpush (docs/cli.md).

#include "server/cli/command.h"

#include <string>
#include <vector>

namespace wxpush::cli {

// What main() does: the process's own streams; commands that read the store run in a child
// process (apart.h). Answers the exit code. Must be called before any thread is started.
int run(int argc, char** argv);

// The same for tests: `arguments` without the program's name, everything in this process.
int run(std::vector<std::string> arguments, std::ostream& out, std::ostream& err, std::istream& in);

}  // namespace wxpush::cli
