// lanes_simulation [--seeds N] [--first SEED] [--expect-failure]: runs the worlds of N seeds; the
// first violation is told with its seed and step, and seen again with --first SEED --seeds 1.

#include "tests/simulation/world.h"

#include <cstdlib>
#include <iostream>
#include <string_view>

namespace {

std::uint64_t number(const char* text) {
  return std::strtoull(text, nullptr, 10);
}

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t seeds = 1000;
  std::uint64_t first = 1;
  bool expect_failure = false;
  for (int i = 1; i < argc; ++i) {
    const std::string_view option = argv[i];
    if (option == "--expect-failure") expect_failure = true;
    if (option == "--seeds" && i + 1 < argc) seeds = number(argv[++i]);
    if (option == "--first" && i + 1 < argc) first = number(argv[++i]);
  }
  for (std::uint64_t seed = first; seed < first + seeds; ++seed) {
    try {
      wxpush::simulation::World(seed).run();
    } catch (const std::exception& violation) {
      std::cout << violation.what() << '\n';
      return expect_failure ? EXIT_SUCCESS : EXIT_FAILURE;
    }
  }
  std::cout << seeds << " seeds, no violation\n";
  return expect_failure ? EXIT_FAILURE : EXIT_SUCCESS;
}
