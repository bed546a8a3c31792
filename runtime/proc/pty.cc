#include "runtime/proc/pty.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>

namespace hoplab::proc {

Result<Terminal> open_terminal(unsigned short rows, unsigned short columns) {
  HOP_TRY(Fd master, open_fd("/dev/pts/ptmx", O_RDWR | O_NOCTTY));
  int unlocked = 0;
  if (::ioctl(master.get(), TIOCSPTLCK, &unlocked) != 0) {
    return Error::from_errno(errno, "unlocking a terminal");
  }
  // Opened through the master: /dev/pts/N could be a different mount by now.
  Fd slave(::ioctl(master.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!slave) return Error::from_errno(errno, "opening a terminal");
  winsize size{rows, columns, 0, 0};
  if (rows == 0 || columns == 0) size = {24, 80, 0, 0};
  if (::ioctl(slave.get(), TIOCSWINSZ, &size) != 0) {
    return Error::from_errno(errno, "setting a terminal's size");
  }
  return Terminal{std::move(master), std::move(slave)};
}

Result<void> become_terminal_session(const Fd& slave) {
  if (::ioctl(slave.get(), TIOCSCTTY, 0) != 0) {
    return Error::from_errno(errno, "taking the controlling terminal");
  }
  for (int fd = 0; fd < 3; ++fd) {
    if (::dup2(slave.get(), fd) < 0) return Error::from_errno(errno, "redirecting to a terminal");
  }
  return {};
}

}  // namespace hoplab::proc
