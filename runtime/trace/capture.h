#pragma once

#include <functional>
#include <string>
#include <vector>

#include "runtime/base/clock.h"
#include "runtime/base/fd.h"
#include "runtime/trace/packet.h"

namespace hoplab::trace {

/// One frame as it passed an interface.
struct CapturedFrame {
  int64_t time = 0;  ///< Nanoseconds since 1970.
  int interface_index = 0;
  bool outgoing = false;
  bool ethernet = true;  ///< False: starts with the IP header (TUN, ipip devices).
  size_t wire_length = 0;
  Bytes bytes;  ///< Valid until the next frame is read.
};

/// An AF_PACKET socket on one interface, or on all of them, of the network namespace it is opened
/// in. Works without root in a namespace of one's own. One thread.
class Capture {
 public:
  /// `interface` "any" = all. `not_found` when there is no such interface.
  static Result<Capture> open(const std::string& interface);

  /// Pollable.
  [[nodiscard]] int fd() const { return socket_.get(); }
  /// The next frame; nullopt when the time is up.
  Result<std::optional<CapturedFrame>> next(Millis timeout);
  /// How many frames the kernel had no room for so far.
  [[nodiscard]] uint32_t dropped();

 private:
  explicit Capture(Fd socket) : socket_(std::move(socket)), buffer_(262144) {}
  Fd socket_;
  std::vector<uint8_t> buffer_;
  uint32_t dropped_ = 0;
};

/// Writes frames in the libpcap file format with nanoseconds (magic a1b23c4d), Ethernet link type.
class PcapWriter {
 public:
  static Result<PcapWriter> create(const std::string& path, bool ethernet);
  Result<void> write(const CapturedFrame& frame);

 private:
  explicit PcapWriter(Fd file) : file_(std::move(file)) {}
  Fd file_;
};

}  // namespace hoplab::trace
