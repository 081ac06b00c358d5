#pragma once
// What was asked of a store could not be done, and what that means to whoever started us.

#include <stdexcept>
#include <string>

namespace wxpush::queue {

// Exit codes, after sysexits.h (docs/cli.md, "Exit codes").
constexpr int exit_bad_input = 65;  // what is to be made is there already, or cannot be made there
constexpr int exit_unavailable = 69;    // there is no store
constexpr int exit_store_failed = 74;   // the disk failed, or what it returns is damaged
constexpr int exit_locked = 75;         // by another process; or a reader pins its log
constexpr int exit_no_permission = 77;  // the operating system said no
constexpr int exit_unusable = 78;  // network file system, newer schema, not a store, a key lacks

// What to say beside exit_store_failed where something could not be read.
constexpr const char* look_closer = "; `wxpush store check` says what is damaged";

// Of each error of this folder that can reach others: StoreOpenError (queue.h), SqliteError
// (sqlite.h), BodyError (body_cipher.h).
class StoreError : public std::runtime_error {
 public:
  StoreError(int exit_code, const std::string& what)
      : std::runtime_error(what), exit_code_(exit_code) {}
  int exit_code() const noexcept { return exit_code_; }

 private:
  int exit_code_;
};

}  // namespace wxpush::queue
