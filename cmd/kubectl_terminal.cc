#include "cmd/kubectl_terminal.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>

#include "runtime/base/thread.h"

namespace hoplab::cmd::kubectl {

namespace {

sigset_t watched_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (int signal : {SIGWINCH, SIGINT, SIGTERM, SIGHUP, SIGQUIT}) sigaddset(&set, signal);
  return set;
}

}  // namespace

Result<std::unique_ptr<RawTerminal>> RawTerminal::open(int fd, Resized resized) {
  std::unique_ptr<RawTerminal> terminal(new RawTerminal(fd, std::move(resized)));
  HOP_CHECK(terminal->start());
  return terminal;
}

Result<void> RawTerminal::start() {
  if (tcgetattr(fd_, &before_) != 0) return Error::from_errno(errno, "reading the terminal's mode");
  const sigset_t set = watched_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signals_ = Fd(signalfd(-1, &set, SFD_CLOEXEC));
  stop_ = Fd(eventfd(0, EFD_CLOEXEC));
  if (!signals_ || !stop_) return Error::from_errno(errno, "waiting for signals");
  termios raw = before_;
  cfmakeraw(&raw);
  if (tcsetattr(fd_, TCSADRAIN, &raw) != 0) {
    return Error::from_errno(errno, "setting the terminal to raw mode");
  }
  report_size();
  thread_ = start_thread("terminal", end_process, [this] { watch_signals(); });
  return {};
}

RawTerminal::~RawTerminal() {
  if (!thread_.joinable()) return;
  const uint64_t one = 1;
  [[maybe_unused]] ssize_t did = write(stop_.get(), &one, sizeof one);
  thread_.join();
  restore();
  const sigset_t set = watched_signals();
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

void RawTerminal::restore() {
  tcsetattr(fd_, TCSADRAIN, &before_);
}

void RawTerminal::report_size() {
  winsize size{};
  if (ioctl(fd_, TIOCGWINSZ, &size) == 0 && size.ws_row > 0) resized_(size.ws_row, size.ws_col);
}

void RawTerminal::watch_signals() {
  for (;;) {
    pollfd fds[2] = {{signals_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}};
    if (poll(fds, 2, -1) < 0 && errno != EINTR) return;
    if (fds[1].revents != 0) return;
    signalfd_siginfo info{};
    if (fds[0].revents == 0 || read(signals_.get(), &info, sizeof info) != sizeof info) continue;
    if (info.ssi_signo == SIGWINCH) {
      report_size();
      continue;
    }
    restore();
    _exit(128 + static_cast<int>(info.ssi_signo));  // As the shell reports death by a signal.
  }
}

}  // namespace hoplab::cmd::kubectl
