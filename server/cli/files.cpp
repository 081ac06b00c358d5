#include "server/cli/files.h"

#include "server/cli/command.h"

#include <cerrno>
#include <fcntl.h>
#include <fstream>
#include <istream>
#include <system_error>
#include <unistd.h>

namespace wxpush::cli {
namespace {

constexpr std::size_t largest_input = 64ULL << 20;

[[noreturn]] void fail(ExitCode code, const std::string& what) {
  const int error = errno;
  const bool forbidden = error == EACCES || error == EPERM;
  throw CommandError(forbidden ? exit_no_permission : code,
                     what + ": " + std::generic_category().message(error));
}

std::string read_all(std::istream& in, const std::string& name) {
  std::string content;
  std::string piece(std::size_t{64} * 1024, '\0');
  while (in) {
    in.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    content.append(piece, 0, static_cast<std::size_t>(in.gcount()));
    if (content.size() > largest_input) throw CommandError(exit_unusable, name + ": above 64 MiB");
  }
  if (in.bad()) fail(exit_unusable, name);
  return content;
}

}  // namespace

std::string read_input(const std::string& file, std::istream& in) {
  if (file == "-") return read_all(in, "stdin");
  errno = 0;
  std::ifstream opened(file, std::ios::binary);
  if (!opened) fail(exit_unusable, file);
  if (std::filesystem::is_directory(file))
    throw CommandError(exit_unusable, file + ": a directory");
  return read_all(opened, file);
}

config::Secret read_secret(const std::filesystem::path& file) {
  errno = 0;
  std::ifstream opened(file, std::ios::binary);
  if (!opened) fail(exit_unusable, file.string());
  std::string content = read_all(opened, file.string());
  constexpr std::string_view space = " \t\r\n";
  content.erase(content.find_last_not_of(space) + 1);
  content.erase(0, std::min(content.find_first_not_of(space), content.size()));
  if (content.empty()) throw CommandError(exit_unusable, file.string() + ": empty");
  return config::Secret(std::move(content));
}

void write_new(const std::filesystem::path& file, std::string_view content, unsigned mode) {
  const int opened = open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (opened < 0) fail(exit_no, file.string());
  std::size_t written = 0;
  while (written < content.size()) {
    const ssize_t now = write(opened, content.data() + written, content.size() - written);
    if (now < 0 && errno != EINTR) {
      const int why = errno;
      close(opened);
      errno = why;
      fail(exit_no, file.string());
    }
    if (now > 0) written += static_cast<std::size_t>(now);
  }
  if (close(opened) != 0) fail(exit_no, file.string());
}

NewFiles::~NewFiles() {
  std::error_code ignored;
  for (const auto& file : files_) std::filesystem::remove(file, ignored);
}

}  // namespace wxpush::cli
