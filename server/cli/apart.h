#pragma once
// Reading a store in a process of its own. A reader that is stopped (^Z, SIGSTOP) while it copies a
// page would pin the write-ahead log of the running server, which then grows without bound. What a
// terminal or a person stops is the parent, which holds nothing: it only moves bytes from a pipe to
// its stdout. The child, in a process group of its own so that a terminal's stop does not reach
// it, finishes its page, then at most blocks on the full pipe, outside any statement.

#include <functional>

namespace wxpush::cli {

// Runs `command` in a child whose stdout is a pipe to us, and answers the child's exit code.
// SIGINT, SIGTERM and SIGHUP are handed on to the child; after SIGINT the answer is
// `when_interrupted`. When whoever reads our stdout has gone, the child is ended and the answer is
// 0: nobody is left to care; when stdout takes no more (a full disk), that is told, and it is 1.
// The child ends when we do. Call it before any thread is started.
int run_apart(const std::function<int()>& command, int when_interrupted);

}  // namespace wxpush::cli
