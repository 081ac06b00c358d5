#include "server/cli/apart.h"

#include <climits>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <iostream>
#include <poll.h>
#include <string>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>

namespace wxpush::cli {
namespace {

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

struct Outcome {
  bool interrupted = false;
  bool reader_gone = false;
  bool failed = false;  // stdout did not take it: a full disk
};

// The parent's whole work. It waits in poll() alone, never in write(), so that a signal is seen
// even while our stdout blocks: a pipe that is writable takes PIPE_BUF bytes at once.
class Shuttle {
 public:
  Shuttle(int from, int signals, pid_t child) : from_(from), signals_(signals), child_(child) {}

  Outcome run() {
    while (!done_) {
      const short writing = held_.empty() ? 0 : POLLOUT;
      std::array<pollfd, 3> ends{{{held_.empty() ? from_ : -1, POLLIN, 0},
                                  {STDOUT_FILENO, writing, 0},
                                  {signals_, POLLIN, 0}}};
      if (poll(ends.data(), ends.size(), -1) < 0 && errno != EINTR) fail("poll");
      if (ends[2].revents != 0) forward_signal();
      if ((ends[1].revents & (POLLERR | POLLHUP | POLLNVAL)) != 0) give_up();
      if (ends[1].revents == POLLOUT) pass_on();
      if (ends[0].revents != 0) take();
    }
    return outcome_;
  }

 private:
  void forward_signal() {
    signalfd_siginfo info{};
    if (read(signals_, &info, sizeof info) != sizeof info) return;
    outcome_.interrupted = outcome_.interrupted || info.ssi_signo == SIGINT;
    kill(child_, static_cast<int>(info.ssi_signo));
    done_ = true;  // what the stopped output did not take is not waited for
  }

  void give_up() {
    outcome_.reader_gone = true;
    kill(child_, SIGTERM);
    done_ = true;
  }

  void take() {
    std::array<char, PIPE_BUF> bytes;
    const ssize_t got = read(from_, bytes.data(), bytes.size());
    if (got > 0) held_.assign(bytes.data(), static_cast<std::size_t>(got));
    if (got == 0 || (got < 0 && errno != EINTR)) done_ = true;
  }

  void pass_on() {
    const ssize_t written = write(STDOUT_FILENO, held_.data(), held_.size());
    if (written > 0) held_.erase(0, static_cast<std::size_t>(written));
    if (written >= 0 || errno == EINTR || errno == EAGAIN) return;
    if (errno != EPIPE) {
      std::cerr << "wxpush: stdout: " << std::generic_category().message(errno) << '\n';
      outcome_.failed = true;
    }
    give_up();
  }

  int from_;
  int signals_;
  pid_t child_;
  std::string held_;
  bool done_ = false;
  Outcome outcome_;
};

[[noreturn]] void be_child(const std::function<int()>& command, int output, pid_t parent,
                           const sigset_t& mask) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != parent) std::_Exit(EXIT_FAILURE);  // it died before prctl() was heard
  signal(SIGTTOU, SIG_IGN);                           // a notice must not stop us either
  sigprocmask(SIG_SETMASK, &mask, nullptr);
  if (dup2(output, STDOUT_FILENO) < 0) std::_Exit(EXIT_FAILURE);
  close(output);
  const int code = command();
  std::cout.flush();
  std::exit(code);
}

// By nohup, or by a script's '&': then it stays so.
bool is_ignored(int number) {
  struct sigaction action {};
  return sigaction(number, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

int exit_code_of(pid_t child, const Outcome& outcome, int when_interrupted) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) fail("waitpid");
  }
  if (outcome.interrupted) return when_interrupted;
  if (outcome.failed) return EXIT_FAILURE;
  if (outcome.reader_gone) return EXIT_SUCCESS;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

int run_apart(const std::function<int()>& command, int when_interrupted) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) fail("pipe");
  sigset_t handed_on;
  sigset_t before;
  sigemptyset(&handed_on);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    if (!is_ignored(number)) sigaddset(&handed_on, number);
  }
  if (sigprocmask(SIG_BLOCK, &handed_on, &before) != 0) fail("sigprocmask");
  std::cout.flush();
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child < 0) fail("fork");
  if (child == 0) {
    close(ends[0]);
    be_child(command, ends[1], parent, before);
  }
  close(ends[1]);
  signal(SIGPIPE, SIG_IGN);
  const int signals = signalfd(-1, &handed_on, SFD_CLOEXEC);
  if (signals < 0) fail("signalfd");
  const Outcome outcome = Shuttle(ends[0], signals, child).run();
  close(ends[0]);  // a child that still writes ends by SIGPIPE
  close(signals);
  return exit_code_of(child, outcome, when_interrupted);
}

}  // namespace wxpush::cli
