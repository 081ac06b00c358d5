#include "server/supervisor.h"

#include "handlers/base/clock.h"
#include "server/handed_sockets.h"
#include "server/logger.h"
#include "server/start_error.h"
#include "server/supervision.h"
#include "server/supervisor_link.h"
#include "server/worker_process.h"

#include <climits>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <ostream>
#include <poll.h>
#include <sys/auxv.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>

namespace wxpush::server {
namespace {

using Kind = SupervisorAction::Kind;

// Signals come through a descriptor, between two decisions. Blocked from here on; `before` is what
// workers begin with.
class Signals {
 public:
  Signals() {
    sigset_t ours;
    sigemptyset(&ours);
    for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGUSR2, SIGCHLD}) sigaddset(&ours, number);
    if (sigprocmask(SIG_BLOCK, &ours, &before_) == 0)
      descriptor_ = signalfd(-1, &ours, SFD_CLOEXEC | SFD_NONBLOCK);
    if (descriptor_ < 0) throw std::system_error(errno, std::generic_category(), "signalfd");
  }
  ~Signals() { ::close(descriptor_); }
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  int descriptor() const noexcept { return descriptor_; }
  const sigset_t& before() const noexcept { return before_; }
  std::optional<int> take() const {
    signalfd_siginfo info{};
    if (read(descriptor_, &info, sizeof info) != sizeof info) return std::nullopt;
    return static_cast<int>(info.ssi_signo);
  }

 private:
  sigset_t before_{};
  int descriptor_ = -1;
};

class Supervisor {
 public:
  Supervisor(const SupervisorSettings& settings, std::vector<ListenSocket> sockets, Log& log)
      : sockets_(std::move(sockets)), log_(log), decide_({settings.drain}) {
    // As it was called, so that a link that is turned to another version is followed.
    // NOLINTNEXTLINE(performance-no-int-to-ptr): the kernel gives it as a number.
    const auto* called = reinterpret_cast<const char*>(getauxval(AT_EXECFN));
    command_.push_back(std::filesystem::absolute(called).string());
    command_.insert(command_.end(), settings.arguments.begin(), settings.arguments.end());
  }

  int run() {
    perform(decide_.begin());
    while (!code_) {
      wait();
      perform(decide_.tick(clock_.steady()));
    }
    log_.info("the supervisor ends", {{"exit_code", *code_}});
    return *code_;
  }

 private:
  void wait() {
    std::vector<pollfd> waited{{signals_.descriptor(), POLLIN, 0}};
    for (const auto& [id, worker] : workers_) {
      if (worker.link >= 0) waited.push_back({worker.link, POLLIN, 0});
    }
    if (poll(waited.data(), waited.size(), milliseconds_left()) < 0 && errno != EINTR)
      throw std::system_error(errno, std::generic_category(), "poll");
    // Words first: what a worker said before its end counts.
    std::vector<WorkerId> ids;
    ids.reserve(workers_.size());
    for (const auto& [id, worker] : workers_) ids.push_back(id);
    for (const auto id : ids) listen_to(id);
    while (const auto number = signals_.take()) handle(*number);
  }

  int milliseconds_left() const {
    const auto due = decide_.due();
    if (!due) return -1;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(*due - clock_.steady()).count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, INT_MAX));
  }

  void listen_to(WorkerId id) {
    auto& worker = workers_.at(id);
    if (worker.link < 0) return;
    std::array<char, 16> words{};
    const ssize_t got = read(worker.link, words.data(), words.size());
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
      ::close(std::exchange(worker.link, -1));
      return;
    }
    for (ssize_t i = 0; i < got; ++i) hear(id, words[static_cast<std::size_t>(i)]);
  }

  void hear(WorkerId id, char said) {
    if (said == word::waiting) perform(decide_.waits(id, clock_.steady()));
    if (said != word::serving) return;
    log_.info("the worker serves", {{"worker", workers_.at(id).pid}});
    perform(decide_.serves(id, clock_.steady()));
  }

  void handle(int number) {
    switch (number) {
      case SIGCHLD:
        return reap();
      case SIGHUP:
        for (const auto& [id, worker] : workers_) ::kill(worker.pid, SIGHUP);
        return;
      case SIGUSR2:
        log_.info("SIGUSR2: another worker takes over");
        return perform(decide_.replace(clock_.steady()));
      default:
        sockets_.clear();  // who comes now is refused, and may go elsewhere
        return perform(decide_.stop(clock_.steady()));
    }
  }

  // Also children that were left to us: in a container we are process 1.
  void reap() {
    int status = 0;
    for (pid_t pid = 0; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
      const auto found = std::ranges::find_if(
          workers_, [&](const auto& entry) { return entry.second.pid == pid; });
      if (found == workers_.end()) continue;
      const auto id = found->first;
      listen_to(id);
      if (found->second.link >= 0) ::close(found->second.link);
      workers_.erase(found);
      WorkerEnd how;
      (WIFSIGNALED(status) ? how.signal : how.code) =
          WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
      const bool well = how.signal == 0 && how.code == 0;
      log_.write(well ? LogLevel::info : LogLevel::error, "a worker ended",
                 {{"worker", pid}, {"how", to_string(how)}});
      perform(decide_.ended(id, how, clock_.steady()));
    }
  }

  void perform(const Supervision::Actions& actions) {
    for (const auto& action : actions) perform(action);
  }

  void perform(const SupervisorAction& action) {
    const auto pid = [&] { return workers_.at(action.worker).pid; };
    switch (action.kind) {
      case Kind::start:
        return start(action.worker);
      case Kind::hand_over:
        return tell(workers_.at(action.worker).link, word::hand_over);
      case Kind::stop:
        ::kill(pid(), SIGTERM);
        return;
      case Kind::kill:
        ::kill(pid(), SIGKILL);
        return;
      case Kind::finish:
        code_ = action.code;
        return;
      case Kind::tell:
        return log_.warning(action.text);
    }
  }

  void start(WorkerId id) {
    try {
      workers_[id] = start_worker(command_, sockets_, signals_.before());
      log_.info("a worker starts", {{"worker", workers_.at(id).pid}});
    } catch (const std::system_error& error) {
      workers_.erase(id);
      log_.error("no worker can be started", {{"error", error.what()}});
      perform(decide_.ended(id, {.code = 71}, clock_.steady()));  // tried again, later
    }
  }

  Signals signals_;
  std::vector<ListenSocket> sockets_;
  std::vector<std::string> command_;
  Log& log_;
  SystemClock clock_;
  Supervision decide_;
  std::map<WorkerId, WorkerProcess> workers_;
  std::optional<int> code_;
};

std::vector<ListenSocket> listen_at(const std::vector<config::ListenAddress>& addresses) {
  std::vector<ListenSocket> sockets;
  sockets.reserve(addresses.size());
  for (const auto& address : addresses)
    sockets.push_back(ListenSocket::bind(address, push_socket_mode));
  return sockets;
}

}  // namespace

int supervise(const SupervisorSettings& settings, std::ostream& err) {
  std::signal(SIGPIPE, SIG_IGN);  // a log that nobody reads is not our end
  const auto log = make_plain_logger(settings.log);
  try {
    auto handed = take_handed();
    if (handed.supervisor >= 0) ::close(handed.supervisor);
    auto sockets = handed.sockets.empty() ? listen_at(settings.listen) : std::move(handed.sockets);
    for (const auto& socket : sockets)
      log->info("the supervisor holds a listening socket", {{"address", socket.address()}});
    return Supervisor(settings, std::move(sockets), *log).run();
  } catch (const StartError& error) {
    err << "wxpush: " << error.what() << "\n";
    return error.exit_code();
  }
}

}  // namespace wxpush::server
