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

  /// Whether its frames start with an Ethernet header, as far as the interface tells.
  [[nodiscard]] bool ethernet() const { return ethernet_; }
  /// Pollable.
  [[nodiscard]] int fd() const { return socket_.get(); }
  /// The next frame; nullopt when the time is up.
  Result<std::optional<CapturedFrame>> next(Millis timeout);
  /// How many frames the kernel had no room for so far.
  [[nodiscard]] uint32_t dropped();

 private:
  Capture(Fd socket, bool ethernet)
      : socket_(std::move(socket)), ethernet_(ethernet), buffer_(262144) {}
  Fd socket_;
  bool ethernet_;
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

/// Reads libpcap files of either byte order and time unit, with Ethernet frames or bare IP packets.
class PcapReader {
 public:
  /// "-" = standard input. `invalid` when it is no such file.
  static Result<PcapReader> open(const std::string& path);
  /// From bytes that are there already; for tests and the fuzzer.
  static Result<PcapReader> parse(std::string content);
  [[nodiscard]] bool ethernet() const { return ethernet_; }
  /// The next frame; nullopt at the end. `invalid` when the file ends inside one.
  Result<std::optional<CapturedFrame>> next();

 private:
  explicit PcapReader(std::string content) : content_(std::move(content)) {}
  [[nodiscard]] uint32_t number(size_t at) const;

  std::string content_;
  size_t at_ = 0;
  bool swapped_ = false;
  bool nanoseconds_ = false;
  bool ethernet_ = true;
};

}  // namespace hoplab::trace
