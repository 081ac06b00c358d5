#pragma once
// The exit codes that scripts may rely on (docs/cli.md, "Exit codes"); after sysexits.h where it
// has a word for the case.

namespace wxpush::cli {

enum ExitCode : int {
  exit_ok = 0,
  exit_no = 1,              // asked and answered no: not acknowledged, not proved, not found
  exit_usage = 64,          // the command line itself
  exit_unusable = 65,       // input that cannot be read or is not what was asked for
  exit_unavailable = 69,    // no server, no store, or a server that is not ready
  exit_store_failed = 74,   // the store failed or is damaged
  exit_store_locked = 75,   // another process has the store
  exit_no_permission = 77,  // the operating system said no
  exit_configuration = 78,  // the settings
};

}  // namespace wxpush::cli
