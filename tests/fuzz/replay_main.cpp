// Runs a fuzz target over folders of seeds, in builds without libFuzzer: every seed as it is, every
// prefix of it, and it with every single byte changed; with --only each as it is, and no more.

#include "tests/fuzz/target.h"

#include <algorithm>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace {

std::string read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  file.exceptions(std::ios::badbit | std::ios::failbit);
  return {std::istreambuf_iterator<char>(file), {}};
}

void run(std::string_view input) {
  // A copy of exactly this size on the heap, so that a sanitizer sees a read beyond the end.
  const std::vector<std::uint8_t> bytes(input.begin(), input.end());
  LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

std::size_t replay(std::string seed) {
  run(seed);
  for (std::size_t size = 0; size < seed.size(); ++size)
    run(std::string_view(seed).substr(0, size));
  constexpr int changes[] = {0x01, 0x20, 0x80};
  for (char& byte : seed) {
    const char original = byte;
    for (const int change : changes) {
      byte = static_cast<char>(original ^ change);
      run(seed);
    }
    byte = original;
  }
  return 1 + seed.size() * (1 + std::size(changes));
}

int replay_folder(const char* folder, bool only) {
  std::vector<std::filesystem::path> seeds(std::filesystem::directory_iterator(folder), {});
  std::sort(seeds.begin(), seeds.end());
  std::size_t inputs = 0;
  for (const auto& seed : seeds) {
    std::printf("%s\n", seed.filename().c_str());  // before the run: a crash is then seen to be its
    std::fflush(stdout);
    if (only) run(read(seed));
    inputs += only ? 1 : replay(read(seed));
  }
  std::printf("%zu inputs from %zu seeds\n", inputs, seeds.size());
  return seeds.empty() ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) {
  const bool only = argc > 1 && std::string_view(argv[1]) == "--only";
  const int first = only ? 2 : 1;
  if (argc <= first) {
    std::fprintf(stderr, "usage: %s [--only] FOLDER…\n", argv[0]);
    return 64;
  }
  try {
    int failed = 0;
    for (int i = first; i < argc; ++i) failed |= replay_folder(argv[i], only);
    return failed;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
