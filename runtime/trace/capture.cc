#include "runtime/trace/capture.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace hoplab::trace {

namespace {

/// The kernel's receive time from the control messages, else now.
int64_t time_of(msghdr& message) {
  timespec stamp{};
  bool found = false;
  for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
    if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
      std::memcpy(&stamp, CMSG_DATA(c), sizeof stamp);
      found = true;
    }
  }
  if (!found) ::clock_gettime(CLOCK_REALTIME, &stamp);
  return static_cast<int64_t>(stamp.tv_sec) * 1'000'000'000 + stamp.tv_nsec;
}

bool is_ethernet(const std::string& interface) {
  const Fd any(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  interface.copy(request.ifr_name, IFNAMSIZ - 1);
  if (!any || ::ioctl(any.get(), SIOCGIFHWADDR, &request) != 0) return true;
  const auto type = request.ifr_hwaddr.sa_family;
  return type == ARPHRD_ETHER || type == ARPHRD_LOOPBACK;
}

}  // namespace

Result<Capture> Capture::open(const std::string& interface) {
  unsigned index = 0;
  if (interface != "any") {
    index = ::if_nametoindex(interface.c_str());
    if (index == 0) {
      return Error(ErrorCode::not_found, interface + ": No such device exists");
    }
  }
  Fd socket(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL)));
  if (!socket) return Error::from_errno(errno, "opening a packet socket");
  int one = 1;
  int room = 4 << 20;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof one);
  ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_ALL);
  address.sll_ifindex = static_cast<int>(index);
  if (::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    return Error::from_errno(errno, "watching interface " + interface);
  }
  return Capture(std::move(socket), index == 0 || is_ethernet(interface));
}

Result<std::optional<CapturedFrame>> Capture::next(Millis timeout) {
  pollfd ready{socket_.get(), POLLIN, 0};
  int n = ::poll(&ready, 1, static_cast<int>(timeout.count()));
  if (n < 0 && errno != EINTR) return Error::from_errno(errno, "waiting for packets");
  if (n <= 0) return std::optional<CapturedFrame>();
  sockaddr_ll from{};
  alignas(cmsghdr) std::array<char, 256> control{};
  iovec part{buffer_.data(), buffer_.size()};
  msghdr message{};
  message.msg_name = &from;
  message.msg_namelen = sizeof from;
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  ssize_t length = ::recvmsg(socket_.get(), &message, MSG_DONTWAIT | MSG_TRUNC);
  if (length < 0) {
    if (errno == EAGAIN || errno == EINTR) return std::optional<CapturedFrame>();
    return Error::from_errno(errno, "reading a packet");
  }
  CapturedFrame frame;
  frame.time = time_of(message);
  frame.interface_index = from.sll_ifindex;
  frame.outgoing = from.sll_pkttype == PACKET_OUTGOING;
  frame.ethernet = from.sll_hatype == ARPHRD_ETHER || from.sll_hatype == ARPHRD_LOOPBACK;
  frame.wire_length = static_cast<size_t>(length);
  frame.bytes = Bytes(buffer_.data(), std::min(buffer_.size(), frame.wire_length));
  return std::optional(frame);
}

uint32_t Capture::dropped() {
  tpacket_stats stats{};
  socklen_t size = sizeof stats;
  // The kernel counts from the last call on.
  if (::getsockopt(socket_.get(), SOL_PACKET, PACKET_STATISTICS, &stats, &size) == 0) {
    dropped_ += stats.tp_drops;
  }
  return dropped_;
}

Result<PcapWriter> PcapWriter::create(const std::string& path, bool ethernet) {
  HOP_TRY(Fd file,
          open_fd(path == "-" ? "/proc/self/fd/1" : path, O_WRONLY | O_CREAT | O_TRUNC, 0644));
  std::array<uint32_t, 6> header{0xa1b23c4d, 2U | 4U << 16U, 0, 0, 262144, ethernet ? 1U : 101U};
  PcapWriter writer(std::move(file));
  HOP_CHECK(
      write_all(writer.file_.get(), {reinterpret_cast<const char*>(header.data()), sizeof header}));
  return writer;
}

Result<void> PcapWriter::write(const CapturedFrame& frame) {
  std::array<uint32_t, 4> header{static_cast<uint32_t>(frame.time / 1'000'000'000),
                                 static_cast<uint32_t>(frame.time % 1'000'000'000),
                                 static_cast<uint32_t>(frame.bytes.size()),
                                 static_cast<uint32_t>(frame.wire_length)};
  std::string record(reinterpret_cast<const char*>(header.data()), sizeof header);
  record.append(reinterpret_cast<const char*>(frame.bytes.data()), frame.bytes.size());
  return write_all(file_.get(), record);
}

namespace {

constexpr size_t largest_capture_file = 1U << 30U;
constexpr size_t file_header = 24;
constexpr size_t record_header = 16;
constexpr uint32_t microseconds_magic = 0xa1b2c3d4;
constexpr uint32_t nanoseconds_magic = 0xa1b23c4d;
constexpr uint32_t link_ethernet = 1;
constexpr uint32_t link_raw = 101;

}  // namespace

Result<PcapReader> PcapReader::open(const std::string& path) {
  HOP_TRY(std::string content,
          read_file(path == "-" ? "/proc/self/fd/0" : path, largest_capture_file));
  auto reader = parse(std::move(content));
  if (!reader) return std::move(reader).error().context(path);
  return reader;
}

uint32_t PcapReader::number(size_t at) const {
  uint32_t value = 0;
  std::memcpy(&value, content_.data() + at, sizeof value);
  return swapped_ ? __builtin_bswap32(value) : value;
}

Result<PcapReader> PcapReader::parse(std::string content) {
  PcapReader out(std::move(content));
  if (out.content_.size() < file_header) return Error(ErrorCode::invalid, "no capture file");
  const uint32_t as_is = out.number(0);
  out.swapped_ = as_is != microseconds_magic && as_is != nanoseconds_magic;
  const uint32_t magic = out.number(0);
  if (magic != microseconds_magic && magic != nanoseconds_magic) {
    return Error(ErrorCode::invalid, "no capture file in libpcap's format (pcapng is not read)");
  }
  out.nanoseconds_ = magic == nanoseconds_magic;
  const uint32_t link = out.number(20) & 0xffffU;
  if (link != link_ethernet && link != link_raw) {
    return Error(ErrorCode::invalid, "link type " + std::to_string(link) +
                                         " is not read here, only Ethernet and raw IP");
  }
  out.ethernet_ = link == link_ethernet;
  out.at_ = file_header;
  return out;
}

Result<std::optional<CapturedFrame>> PcapReader::next() {
  if (at_ == content_.size()) return std::optional<CapturedFrame>();
  const size_t left = content_.size() - at_;
  const size_t length = left < record_header ? 0 : number(at_ + 8);
  if (left < record_header || length > left - record_header) {
    at_ = content_.size();
    return Error(ErrorCode::invalid, "the capture file ends inside a packet");
  }
  CapturedFrame frame;
  const int64_t part = number(at_ + 4);
  frame.time = int64_t{number(at_)} * 1'000'000'000 + (nanoseconds_ ? part : part * 1000);
  frame.ethernet = ethernet_;
  frame.wire_length = number(at_ + 12);
  const auto* bytes = reinterpret_cast<const uint8_t*>(content_.data());
  frame.bytes = Bytes(bytes + at_ + record_header, length);
  at_ += record_header + length;
  return std::optional(frame);
}

}  // namespace hoplab::trace
