#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "runtime/base/fd.h"
#include "runtime/base/result.h"

namespace hoplab {

/// The kernel's answer to one request of a batch.
struct NetlinkAck {
  int sys_errno = 0;    ///< 0 = done.
  std::string message;  ///< The kernel's own explanation (extended ACK); often empty.
};

/// A netlink request socket. It stays bound to the namespace it was opened in, wherever the thread
/// goes later, so one thread can hold sockets of many namespaces. Move-only; not thread-safe: one
/// request at a time. Opening is cheap (about 10 us); keeping one open gains little (kernel.md P6).
class NetlinkSocket {
 public:
  enum class Family { route, netfilter };

  /// In the calling thread's namespace.
  static Result<NetlinkSocket> open(Family family = Family::route);
  /// In the namespace behind the descriptor; the calling thread is back where it was on return.
  static Result<NetlinkSocket> open_in(int netns_fd, Family family = Family::route);

  [[nodiscard]] int fd() const { return fd_.get(); }

  /// A descriptor of the namespace the socket lives in. Needs CAP_NET_ADMIN there.
  [[nodiscard]] Result<Fd> netns() const;
  /// Index of the link with this name in the socket's namespace; `not_found` if there is none.
  [[nodiscard]] Result<int32_t> link_index(const std::string& name) const;
  /// Name of the link with this index, or "if<index>" as `ip` prints one it does not know.
  [[nodiscard]] std::string link_name(int32_t index) const;

  /// Sends all of `messages` (whole netlink messages with NLM_F_ACK; sequence numbers are filled
  /// in here) with one send and waits for one answer each, in order. At most some hundred: the
  /// answers have to fit the receive buffer. Fails only when the socket does; refusals are in the
  /// answers.
  Result<std::vector<NetlinkAck>> transact(std::span<std::byte> messages);

  /// Called with each datagram of a dump's answer.
  using Sink = std::function<void(std::span<const std::byte>)>;
  /// Sends one dump request and feeds the answer to `sink`. An answer that the kernel marks as
  /// interrupted by a change gives `conflict`: ask again (`dump.h` does).
  Result<void> dump(std::span<std::byte> request, const Sink& sink);

 private:
  explicit NetlinkSocket(Fd fd) : fd_(std::move(fd)) {}
  Result<void> send(std::span<const std::byte> data);
  Result<std::span<const std::byte>> receive();

  Fd fd_;
  uint32_t next_sequence_ = 1;
  std::vector<std::byte> buffer_;
};

}  // namespace hoplab
