// Each case forks, so that the parent's part, which owns stdout and signals, runs in a process of
// its own, too.
#include "server/cli/apart.h"

#include <doctest/doctest.h>

#include <array>
#include <csignal>
#include <fcntl.h>
#include <functional>
#include <iostream>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

using wxpush::cli::run_apart;

namespace {

// A process that calls run_apart() with its stdout in a pipe to us.
class Parent {
 public:
  explicit Parent(const std::function<int()>& command, int when_interrupted = 130) {
    REQUIRE(pipe(ends_.data()) == 0);
    std::cout.flush();  // or the child would print it again
    pid_ = fork();
    REQUIRE(pid_ >= 0);
    if (pid_ == 0) {
      for (const int number : {SIGINT, SIGTERM}) std::signal(number, SIG_DFL);  // not doctest's
      dup2(ends_[1], STDOUT_FILENO);
      close(ends_[0]);
      close(ends_[1]);
      _exit(run_apart(command, when_interrupted));
    }
    close(ends_[1]);
  }
  ~Parent() {
    if (ends_[0] >= 0) close(ends_[0]);
    if (pid_ > 0) kill(pid_, SIGKILL);
  }
  Parent(const Parent&) = delete;
  Parent& operator=(const Parent&) = delete;

  std::string read_some() {
    std::array<char, 4096> bytes{};
    const ssize_t got = read(ends_[0], bytes.data(), bytes.size());
    return got > 0 ? std::string(bytes.data(), static_cast<std::size_t>(got)) : std::string();
  }
  std::string read_all() {
    std::string all;
    for (std::string some = read_some(); !some.empty(); some = read_some()) all += some;
    return all;
  }
  void stop_reading() {
    close(ends_[0]);
    ends_[0] = -1;
  }
  void signal(int number) const { kill(pid_, number); }
  int exit_code() {
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  std::array<int, 2> ends_{-1, -1};
  pid_t pid_ = -1;
};

int print_for_ever() {
  while (std::cout << std::string(1000, 'x') << std::endl) {
  }
  return 3;
}

int wait_for_ever() {
  std::cout << "here" << std::endl;
  while (true) pause();
}

}  // namespace

TEST_CASE("what the command prints and answers is what the process prints and answers") {
  Parent parent([] {
    std::cout << std::string(300'000, 'x') << "end";
    return 69;
  });
  const std::string printed = parent.read_all();
  CHECK(printed.size() == 300'003);
  CHECK(printed.ends_with("xend"));
  CHECK(parent.exit_code() == 69);
}

TEST_CASE("the command runs in a process group that a terminal's stop does not reach") {
  Parent parent([] {
    std::cout << (getpgrp() == getpid() ? "own group" : "shared group");
    return 0;
  });
  CHECK(parent.read_all() == "own group");
  CHECK(parent.exit_code() == 0);
}

TEST_CASE(
    "^C ends it at once with the answer that was chosen, also while nobody takes its output") {
  SUBCASE("waiting") {
    Parent parent(wait_for_ever, 0);
    CHECK(parent.read_some() == "here\n");
    parent.signal(SIGINT);
    CHECK(parent.exit_code() == 0);
  }
  SUBCASE("blocked on its output") {
    Parent parent(print_for_ever, 130);
    CHECK_FALSE(parent.read_some().empty());
    parent.signal(SIGINT);
    CHECK(parent.exit_code() == 130);
  }
}

TEST_CASE("a signal that was ignored when it began stays ignored") {
  Parent parent([] {
    std::signal(SIGINT, SIG_IGN);  // as a script's '&' leaves it
    return run_apart(
        [] {
          std::cout << (kill(getppid(), SIGINT) == 0 ? "sent, " : "") << std::flush;
          std::cout << "and went on";
          return 7;
        },
        130);
  });
  CHECK(parent.read_all() == "sent, and went on");
  CHECK(parent.exit_code() == 7);
}

TEST_CASE("SIGTERM ends it as it ends any program") {
  Parent parent(wait_for_ever, 0);
  CHECK(parent.read_some() == "here\n");
  parent.signal(SIGTERM);
  CHECK(parent.exit_code() == 128 + SIGTERM);
}

TEST_CASE("a full disk is no success") {
  Parent parent([] {
    dup2(open("/dev/full", O_WRONLY), STDOUT_FILENO);
    dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
    return run_apart(print_for_ever, 130);
  });
  CHECK(parent.exit_code() == 1);
}

TEST_CASE("when nobody reads any more it ends silently, also if it has nothing to print") {
  SUBCASE("printing") {
    Parent parent(print_for_ever);
    CHECK_FALSE(parent.read_some().empty());
    parent.stop_reading();
    CHECK(parent.exit_code() == 0);
  }
  SUBCASE("waiting") {
    Parent parent(wait_for_ever);
    CHECK(parent.read_some() == "here\n");
    parent.stop_reading();
    CHECK(parent.exit_code() == 0);
  }
}
