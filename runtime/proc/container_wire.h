#pragma once

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/clock.h"
#include "runtime/base/fd.h"
#include "runtime/base/json.h"
#include "runtime/base/result.h"

/// Messages over a SOCK_SEQPACKET unix socket: one JSON object each, with descriptors by
/// SCM_RIGHTS. A message longer than a packet travels in several. Packet: one byte, 1 = more
/// packets follow, 0 = last; then JSON text. Descriptors come with the first packet.
namespace hoplab::proc {

inline constexpr size_t max_packet = 32U << 10U;  ///< Below the smallest usual socket buffer.
inline constexpr size_t max_message = 8U << 20U;
inline constexpr size_t max_descriptors = 8;

struct Message {
  Json body;
  std::vector<Fd> descriptors;
};

/// Puts packets together. No I/O; the bytes are not trusted.
class MessageAssembler {
 public:
  /// Takes one packet; gives the JSON when the message is complete. After an error the
  /// connection cannot be used any more.
  Result<std::optional<Json>> feed(std::string_view packet);

 private:
  std::string text_;
};

/// The packets that carry `body`.
Result<std::vector<std::string>> to_packets(const Json& body);

/// {"error": {"code": …, "message": …}} and back.
Json error_to_json(const Error& error);
std::optional<Error> error_from_json(const Json& body);

/// A listening socket at a path, for its owner only; replaces what an earlier one left there.
/// `flags`: SOCK_NONBLOCK or 0.
Result<Fd> listen_at(const std::string& path, int flags);
/// Whether the peer of a connection is a process of our own user.
bool is_own_user(int fd);

/// One end of a connection. Not thread-safe.
class MessageSocket {
 public:
  explicit MessageSocket(Fd fd) : fd_(std::move(fd)) {}
  /// Connects; the error names the path.
  static Result<MessageSocket> connect(const std::string& path);

  /// Sends all of it; blocks while the peer's buffer is full. Descriptors are not consumed.
  Result<void> send(const Json& body, const std::vector<int>& descriptors = {});
  /// The next message; nullopt when the time is up. `unavailable` when the peer has closed.
  Result<std::optional<Message>> receive(Millis timeout);
  /// Takes what is there without blocking; nullopt when no whole message is.
  Result<std::optional<Message>> receive_ready();

  /// For event loops: sends what the peer takes now and keeps the rest. `too_large` when more
  /// than two of the longest messages wait.
  Result<void> queue(const Json& body, std::vector<Fd> descriptors = {});
  Result<void> flush();
  [[nodiscard]] bool wants_to_write() const { return !outgoing_.empty(); }

  [[nodiscard]] int fd() const { return fd_.get(); }

 private:
  struct Outgoing {
    std::string packet;
    std::vector<Fd> descriptors;
  };

  Fd fd_;
  MessageAssembler assembler_;
  std::vector<Fd> descriptors_;
  std::deque<Outgoing> outgoing_;
  size_t outgoing_bytes_ = 0;
};

}  // namespace hoplab::proc
