#include "runtime/trace/protocol_print.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "runtime/base/text.h"

namespace hoplab::trace {

namespace {

constexpr uint16_t dns_port = 53;
constexpr uint16_t bgp_port = 179;

std::string print_flags(uint8_t flags) {
  std::string out;
  for (auto [bit, letter] : {std::pair{tcp_fin, 'F'},
                             {tcp_syn, 'S'},
                             {tcp_rst, 'R'},
                             {tcp_psh, 'P'},
                             {tcp_ack, '.'},
                             {tcp_urg, 'U'},
                             {tcp_ece, 'E'},
                             {tcp_cwr, 'W'}}) {
    if ((flags & bit) != 0) out += letter;
  }
  return out.empty() ? "none" : out;
}

std::string print_option(uint8_t kind, Bytes value, uint32_t sack_base) {
  ByteReader reader(value);
  switch (kind) {
    case 2:
      return str("mss ", reader.u16());
    case 3:
      return str("wscale ", static_cast<int>(reader.u8()));
    case 4:
      return "sackOK";
    case 5: {
      std::string out = str("sack ", value.size() / 8, " ");
      for (size_t i = 0; i + 8 <= value.size(); i += 8) {
        uint32_t from = reader.u32() - sack_base;
        out += str("{", from, ":", reader.u32() - sack_base, "}");
      }
      return out;
    }
    case 8: {
      uint32_t sent = reader.u32();
      return str("TS val ", sent, " ecr ", reader.u32());
    }
    default:
      return str("unknown-", static_cast<int>(kind));
  }
}

std::string print_options(Bytes options, uint32_t sack_base) {
  std::string out;
  ByteReader reader(options);
  while (reader.left() > 0) {
    uint8_t kind = reader.u8();
    if (!out.empty()) out += ',';
    if (kind == 0) {
      out += "eol";
      break;
    }
    if (kind == 1) {
      out += "nop";
      continue;
    }
    uint8_t length = reader.u8();
    if (length < 2 || length - 2U > reader.left()) {
      out += "[bad opt]";
      break;
    }
    out += print_option(kind, reader.take(length - 2U), sack_base);
  }
  return out;
}

std::string hex4(uint16_t value) {
  std::array<char, 8> text{};
  std::snprintf(text.data(), text.size(), "0x%04x", value);
  return text.data();
}

std::string print_checksum(const Ipv4Header& ip, uint16_t field) {
  const uint16_t sum = transport_checksum(ip);
  if (sum == 0) return ", cksum " + hex4(field) + " (correct)";
  return str(", cksum ", hex4(field), " (incorrect -> ", hex4(right_checksum(field, sum)), ")");
}

bool is_http_port(uint16_t port) {
  return port == 80 || port == 8080 || port == 3128;
}

/// What tcpdump knows to follow the ports, in its words.
std::string application(const TcpSegment& segment, bool verbose) {
  const auto either = [&](uint16_t port) {
    return segment.source_port == port || segment.destination_port == port;
  };
  if (is_http_port(segment.source_port) || is_http_port(segment.destination_port)) {
    return ": " + print_http(segment.payload, verbose);
  }
  if (either(bgp_port)) return ": BGP";
  if (either(dns_port) && segment.payload.size() > 2) {
    const Bytes message = segment.payload.subspan(2);
    ByteReader prefix(segment.payload);
    const uint16_t length = prefix.u16();
    if (length == message.size()) return " " + print_dns(message, verbose);
    return str(" [prefix length(", length, ") != length(", message.size(), ")] (invalid)");
  }
  return "";
}

}  // namespace

std::string protocol_name(uint8_t protocol) {
  switch (protocol) {
    case protocol_icmp:
      return "ICMP";
    case protocol_ipip:
      return "IPIP";
    case protocol_tcp:
      return "TCP";
    case protocol_udp:
      return "UDP";
    case 2:
      return "IGMP";
    case 47:
      return "GRE";
    case 89:
      return "OSPF";
    case 132:
      return "SCTP";
    default:
      return "unknown";
  }
}

std::optional<TcpSegment> read_tcp(Bytes bytes) {
  ByteReader reader(bytes);
  TcpSegment segment;
  segment.source_port = reader.u16();
  segment.destination_port = reader.u16();
  segment.sequence = reader.u32();
  segment.acknowledgment = reader.u32();
  size_t header = static_cast<size_t>(reader.u8() >> 4U) * 4;
  segment.flags = reader.u8();
  segment.window = reader.u16();
  segment.checksum = reader.u16();
  segment.urgent = reader.u16();
  if (!reader.ok() || header < 20 || header > bytes.size()) return std::nullopt;
  segment.options = bytes.subspan(20, header - 20);
  segment.payload = bytes.subspan(header);
  return segment;
}

std::string print_tcp_segment(const Ipv4Header& ip, const TcpSegment& segment,
                              const TcpBases& bases, bool verbose) {
  std::string out = "Flags [" + print_flags(segment.flags) + "]";
  if (verbose) out += print_checksum(ip, segment.checksum);
  const size_t length = segment.payload.size();
  const uint32_t from = segment.sequence - bases.sequence;
  if (length > 0) {
    out += str(", seq ", from, ":", from + static_cast<uint32_t>(length));
  } else if ((segment.flags & (tcp_syn | tcp_fin | tcp_rst)) != 0) {
    out += str(", seq ", from);
  }
  if ((segment.flags & tcp_ack) != 0) {
    out += str(", ack ", segment.acknowledgment - bases.acknowledgment);
  }
  out += str(", win ", segment.window);
  if ((segment.flags & tcp_urg) != 0) out += str(", urg ", segment.urgent);
  if (!segment.options.empty()) {
    out += ", options [" + print_options(segment.options, bases.selective) + "]";
  }
  out += str(", length ", length);
  return length == 0 ? out : out + application(segment, verbose);
}

std::string print_udp(const Ipv4Header& ip, bool verbose) {
  ByteReader reader(ip.payload);
  uint16_t source = reader.u16();
  uint16_t destination = reader.u16();
  uint16_t length = reader.u16();
  reader.u16();
  if (ip.payload.size() < 4) {
    return to_string(ip.source) + " > " + to_string(ip.destination) + ":  [|udp]";
  }
  const std::string hosts = str(to_string(ip.source), ".", source, " > ", to_string(ip.destination),
                                ".", destination, ": ");
  if (!reader.ok()) return hosts + str("truncated-udp ", ip.payload.size());
  if (length < 8) return hosts + str("truncated-udplength ", length);
  if (source == dns_port || destination == dns_port) {
    if (length < 8 + 12) return hosts + str("domain [length ", length - 8, " < 12] (invalid)");
    return hosts + (reader.left() < 12 ? " [|domain]" : print_dns(reader.rest(), verbose));
  }
  return hosts + str("UDP, length ", length - 8);
}

uint16_t checksum(Bytes bytes, uint32_t start) {
  uint64_t sum = start;
  for (size_t i = 0; i < bytes.size(); i += 2) {
    const uint32_t low = i + 1 < bytes.size() ? bytes[i + 1] : 0;
    sum += uint32_t{bytes[i]} << 8U | low;
  }
  while (sum >> 16U != 0) sum = (sum & 0xffffU) + (sum >> 16U);
  return static_cast<uint16_t>(~sum);
}

uint16_t transport_checksum(const Ipv4Header& ip) {
  uint32_t pseudo = ip.protocol + static_cast<uint32_t>(ip.payload.size());
  for (const Ipv4 address : {ip.source, ip.destination}) {
    pseudo += (address.value() >> 16U) + (address.value() & 0xffffU);
  }
  return checksum(ip.payload, pseudo);
}

uint16_t right_checksum(uint16_t field, uint16_t sum) {
  uint32_t out = field + uint32_t{sum};
  out = (out & 0xffffU) + (out >> 16U);
  return static_cast<uint16_t>(out);
}

std::string print_http(Bytes payload, bool verbose) {
  std::string_view text(reinterpret_cast<const char*>(payload.data()), payload.size());
  bool http = text.starts_with("HTTP/");
  for (const char* method :
       {"get ", "post ", "put ", "head ", "delete ", "options ", "trace ", "connect "}) {
    http = http || to_lower(std::string(text.substr(0, 8))).starts_with(method);
  }
  if (!http) return "HTTP";
  std::string out = verbose ? str("HTTP, length: ", payload.size()) : "HTTP: ";
  while (!text.empty()) {
    const size_t end = std::min(text.find_first_of("\r\n"), text.size());
    if (verbose) out += "\n\t";
    for (char c : text.substr(0, end)) out += (c >= 32 && c < 127) || c == '\t' ? c : '.';
    if (!verbose) break;
    text.remove_prefix(end);
    if (text.starts_with('\r')) text.remove_prefix(1);
    if (text.starts_with('\n')) text.remove_prefix(1);
  }
  return out;
}

}  // namespace hoplab::trace
