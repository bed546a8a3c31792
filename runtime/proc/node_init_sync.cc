// The channel between node-init and a child on its way to execve(2); see container_child.h.

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "runtime/proc/node_init_containers.h"

namespace hoplab::proc {

int64_t status_time() {
  return SystemClock().wall().time_since_epoch().count();
}

Result<std::pair<Fd, Fd>> make_sync_pair() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    return Error::from_errno(errno, "making a socket pair");
  }
  return std::pair(Fd(ends[0]), Fd(ends[1]));
}

SyncNews read_sync(const Fd& sync) {
  SyncNews news;
  for (;;) {
    std::array<char, 8192> buffer;
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
    iovec data{buffer.data(), buffer.size()};
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    ssize_t n = ::recvmsg(sync.get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return news;
    if (n <= 0) {
      news.ended = true;
      return news;
    }
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    if (header != nullptr && header->cmsg_type == SCM_RIGHTS) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(header), sizeof(int));
      news.terminal = Fd(fd);
    }
    std::string_view packet(buffer.data(), static_cast<size_t>(n));
    if (auto failure = parse_start_failure(packet)) news.failure = std::move(failure);
  }
}

}  // namespace hoplab::proc
