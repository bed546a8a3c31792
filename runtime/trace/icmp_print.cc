// ICMP messages in tcpdump's words.

#include <array>
#include <cstdio>

#include "runtime/base/text.h"
#include "runtime/trace/protocol_print.h"

namespace hoplab::trace {

namespace {

/// The packet that an error message is about starts behind its 8 bytes of header.
constexpr size_t quoted_at = 8;

std::string port_unreachable(const Ipv4Header& about) {
  ByteReader ports(about.payload);
  ports.u16();
  const uint16_t port = ports.u16();
  const std::string host = to_string(about.destination);
  if (about.protocol == protocol_tcp) return str(host, " tcp port ", port, " unreachable");
  if (about.protocol == protocol_udp) return str(host, " udp port ", port, " unreachable");
  return str(host, " protocol ", static_cast<int>(about.protocol), " port ", port, " unreachable");
}

std::string need_to_fragment(const std::string& host, Bytes message) {
  ByteReader reader(message);
  reader.u32();
  reader.u16();
  const uint16_t mtu = reader.u16();
  return host + " unreachable - need to frag" + (mtu == 0 ? "" : str(" (mtu ", mtu, ")"));
}

std::string unreachable(uint8_t code, Bytes message) {
  const auto about = read_ipv4(message.subspan(quoted_at));
  if (!about) return str("type-#3, code ", static_cast<int>(code));
  const std::string host = to_string(about->destination);
  switch (code) {
    case 0:
      return "net " + host + " unreachable";
    case 1:
      return "host " + host + " unreachable";
    case 2:
      return str(host, " protocol ", static_cast<int>(about->protocol), " unreachable");
    case 3:
      return port_unreachable(*about);
    case 4:
      return need_to_fragment(host, message);
    case 5:
      return host + " unreachable - source route failed";
    case 6:
      return "net " + host + " unreachable - unknown";
    case 7:
      return "host " + host + " unreachable - unknown";
    case 9:
      return "net " + host + " unreachable - admin prohibited";
    case 10:
      return "host " + host + " unreachable - admin prohibited";
    case 11:
      return "net " + host + " unreachable - tos prohibited";
    case 12:
      return "host " + host + " unreachable - tos prohibited";
    case 13:
      return "host " + host + " unreachable - admin prohibited filter";
    default:
      return str(host, " unreachable - #", static_cast<int>(code));
  }
}

std::string redirect(uint8_t code, Bytes message) {
  const auto about = read_ipv4(message.subspan(quoted_at));
  ByteReader reader(message);
  reader.u32();
  const std::string router = to_string(reader.ip());
  const std::string host = about ? to_string(about->destination) : "?";
  return str(code >= 2 ? "redirect-tos " : "redirect ", host, " to ",
             code % 2 == 0 ? "net " : "host ", router);
}

std::string time_exceeded(uint8_t code) {
  if (code == 0) return "time exceeded in-transit";
  if (code == 1) return "ip reassembly time exceeded";
  return str("time exceeded-#", static_cast<int>(code));
}

std::string parameter_problem(uint8_t code, Bytes message) {
  if (code != 0) return str("parameter problem - code ", static_cast<int>(code));
  return str("parameter problem - octet ", static_cast<int>(message[4]));
}

/// A number of milliseconds since midnight.
std::string time_of_day(uint32_t milliseconds) {
  std::array<char, 32> text{};
  const uint32_t seconds = milliseconds / 1000;
  std::snprintf(text.data(), text.size(), "%02u:%02u:%02u.%03u", seconds / 3600,
                seconds % 3600 / 60, seconds % 60, milliseconds % 1000);
  return text.data();
}

std::string time_stamp(bool reply, Bytes message) {
  ByteReader reader(message);
  reader.u32();
  const uint16_t id = reader.u16();
  std::string out =
      str("time stamp ", reply ? "reply" : "query", " id ", id, " seq ", reader.u16());
  if (!reply) return out;
  for (const char* label : {": org ", ", recv ", ", xmit "}) {
    out += label + time_of_day(reader.u32());
  }
  return out;
}

/// "echo request, id 7, seq 1".
std::string echo(bool request, Bytes message) {
  ByteReader reader(message);
  reader.u32();
  const uint16_t id = reader.u16();
  return str("echo ", request ? "request" : "reply", ", id ", id, ", seq ", reader.u16());
}

std::string what_it_says(uint8_t type, uint8_t code, Bytes message) {
  switch (type) {
    case 0:
    case 8:
      return echo(type == 8, message);
    case 3:
      return unreachable(code, message);
    case 4:
      return "source quench";
    case 5:
      return redirect(code, message);
    case 10:
      return "router solicitation";
    case 11:
      return time_exceeded(code);
    case 12:
      return parameter_problem(code, message);
    case 13:
    case 14:
      return time_stamp(type == 14, message);
    case 17:
      return "address mask request";
    default:
      return str("type-#", static_cast<int>(type));
  }
}

}  // namespace

std::string print_icmp(Bytes message, size_t length) {
  if (message.size() < 8) return " [|icmp]";
  return str("ICMP ", what_it_says(message[0], message[1], message), ", length ", length);
}

Bytes quoted_packet(Bytes message) {
  if (message.size() < quoted_at) return {};
  const uint8_t type = message[0];
  const bool error = type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
  return error ? message.subspan(quoted_at) : Bytes();
}

}  // namespace hoplab::trace
