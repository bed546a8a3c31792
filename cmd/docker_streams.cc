#include "cmd/docker_streams.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <string>

#include "cmd/kubectl_terminal.h"

namespace hoplab::cmd::docker {

namespace {

constexpr char ctrl_p = 16;
constexpr char ctrl_q = 17;
/// After a process's end its output is read to the end, or, should a child of it hold the stream
/// open, until nothing more comes.
constexpr std::chrono::duration<int, std::milli> last_output{200};

sigset_t passed_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2}) sigaddset(&set, signal);
  return set;
}

/// One pass over a process's streams.
class Joined {
 public:
  Joined(proc::StreamSession& session, const StreamWish& wish)
      : session_(session), wish_(wish), reading_(wish.input && session.input().valid()) {}
  Joined(const Joined&) = delete;
  Joined& operator=(const Joined&) = delete;
  ~Joined() {
    const sigset_t set = passed_signals();
    if (signals_) ::sigprocmask(SIG_UNBLOCK, &set, nullptr);
  }

  Result<std::optional<proc::ExitStatus>> run() {
    if (wish_.on_signal && !session_.tty()) watch_signals();
    while (!exit_ || !outputs_over()) {
      std::array<pollfd, 6> fds{
          pollfd{output_open_ ? session_.output().get() : -1, POLLIN, 0},
          pollfd{error_open_ && session_.error() ? session_.error().get() : -1, POLLIN, 0},
          pollfd{exit_ ? -1 : session_.exit_fd(), POLLIN, 0},
          pollfd{reading_ && pending_.empty() ? STDIN_FILENO : -1, POLLIN, 0},
          pollfd{pending_.empty() ? -1 : session_.input().get(), POLLOUT, 0},
          pollfd{signals_.get(), POLLIN, 0},
      };
      const int ready = ::poll(fds.data(), fds.size(), exit_ ? last_output.count() : -1);
      if (ready < 0 && errno != EINTR) {
        return Error::from_errno(errno, "waiting for the container");
      }
      if (exit_ && ready == 0) break;
      if (ready < 0) continue;
      if (fds[0].revents != 0) output_open_ = copy(session_.output(), STDOUT_FILENO);
      if (fds[1].revents != 0) error_open_ = copy(session_.error(), STDERR_FILENO);
      if (fds[3].revents != 0) read_input();
      if (fds[4].revents != 0) write_input();
      if (fds[5].revents != 0) pass_signal();
      if (detached_) return std::optional<proc::ExitStatus>();
      if (unread_) return std::optional<proc::ExitStatus>({128 + SIGPIPE, SIGPIPE, ""});
      if (fds[2].revents != 0) {
        HOP_TRY(exit_, session_.wait(Millis(0)));
      }
    }
    return exit_;
  }

 private:
  [[nodiscard]] bool outputs_over() const {
    return !output_open_ && (!error_open_ || !session_.error());
  }

  /// False at its end.
  bool copy(const Fd& from, int to) {
    std::array<char, 32U << 10U> buffer;
    const ssize_t got = ::read(from.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) return true;
    if (got <= 0) return false;  // a terminal ends with EIO
    const auto written = write_all(to, std::string_view(buffer.data(), static_cast<size_t>(got)));
    // Nobody reads us any more: the process goes on, its output is in the log.
    if (!written && written.error().sys_errno() == EPIPE) unread_ = true;
    return true;
  }

  void read_input() {
    std::array<char, 1024> buffer;
    const ssize_t got = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) return;
    if (got <= 0) {
      reading_ = false;
      session_.close_input();
      return;
    }
    for (const char c : std::string_view(buffer.data(), static_cast<size_t>(got))) take(c);
  }

  void take(char c) {
    const bool keys = wish_.detach_keys && session_.tty();
    if (keys && after_ctrl_p_ && c == ctrl_q) {
      detached_ = true;
      return;
    }
    if (after_ctrl_p_) pending_ += ctrl_p;
    after_ctrl_p_ = keys && c == ctrl_p;
    if (!after_ctrl_p_) pending_ += c;
  }

  /// A pipe that poll() calls writable takes 4096 bytes, so this does not block.
  void write_input() {
    const ssize_t did = ::write(session_.input().get(), pending_.data(), pending_.size());
    if (did < 0 && errno == EINTR) return;
    if (did > 0) {
      pending_.erase(0, static_cast<size_t>(did));
      return;
    }
    pending_.clear();
    reading_ = false;
    session_.close_input();
  }

  void watch_signals() {
    const sigset_t set = passed_signals();
    ::sigprocmask(SIG_BLOCK, &set, nullptr);
    signals_ = Fd(::signalfd(-1, &set, SFD_CLOEXEC));
  }

  void pass_signal() {
    signalfd_siginfo info{};
    if (::read(signals_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
      wish_.on_signal(static_cast<int>(info.ssi_signo));
    }
  }

  proc::StreamSession& session_;
  const StreamWish& wish_;
  bool reading_;
  bool output_open_ = true;
  bool error_open_ = true;
  bool after_ctrl_p_ = false;
  bool detached_ = false;
  bool unread_ = false;
  std::string pending_;
  Fd signals_;
  std::optional<proc::ExitStatus> exit_;
};

}  // namespace

Result<std::optional<proc::ExitStatus>> join_streams(proc::StreamSession& session,
                                                     const StreamWish& wish) {
  std::unique_ptr<kubectl::RawTerminal> terminal;
  if (session.tty() && wish.input && ::isatty(STDIN_FILENO) == 1) {
    HOP_TRY(terminal,
            kubectl::RawTerminal::open(STDIN_FILENO, [&session](uint16_t rows, uint16_t columns) {
              (void)session.resize(rows, columns).ok();
            }));
  }
  ::signal(SIGPIPE, SIG_IGN);
  return Joined(session, wish).run();
}

}  // namespace hoplab::cmd::docker
