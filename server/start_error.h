#pragma once
// Why something could not start; exit_code as in docs/cli.md (69, 74, 75, 77, 78).

#include <stdexcept>
#include <string>

namespace wxpush::server {

class StartError : public std::runtime_error {
 public:
  StartError(int exit_code, const std::string& what)
      : std::runtime_error(what), exit_code_(exit_code) {}
  int exit_code() const noexcept { return exit_code_; }

 private:
  int exit_code_;
};

}  // namespace wxpush::server
