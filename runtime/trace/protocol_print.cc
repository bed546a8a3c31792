#include "runtime/trace/protocol_print.h"

#include <algorithm>

#include "runtime/base/text.h"

namespace hoplab::trace {

namespace {

constexpr uint16_t dns_port = 53;

std::string print_flags(uint8_t flags) {
  std::string out;
  for (auto [bit, letter] : {std::pair{tcp_fin, 'F'},
                             {tcp_syn, 'S'},
                             {tcp_rst, 'R'},
                             {tcp_psh, 'P'},
                             {tcp_ack, '.'},
                             {tcp_urg, 'U'}}) {
    if ((flags & bit) != 0) out += letter;
  }
  return out.empty() ? "none" : out;
}

std::string print_option(uint8_t kind, Bytes value) {
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
        uint32_t from = reader.u32();
        out += str("{", from, ":", reader.u32(), "}");
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

std::string print_options(Bytes options) {
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
    out += print_option(kind, reader.take(length - 2U));
  }
  return out;
}

/// The first line of an HTTP message, if this looks like one.
std::string http_line(Bytes payload) {
  std::string_view text(reinterpret_cast<const char*>(payload.data()), payload.size());
  bool http = text.starts_with("HTTP/1.");
  for (auto method : {"GET ", "POST ", "PUT ", "HEAD ", "DELETE ", "PATCH ", "OPTIONS "}) {
    http = http || text.starts_with(method);
  }
  if (!http) return "";
  std::string_view line = text.substr(0, std::min(text.find_first_of("\r\n"), text.size()));
  std::string out = ": HTTP: ";
  for (char c : line.substr(0, 200)) out += c >= 32 && c < 127 ? c : '.';
  return out;
}

std::string unreachable(uint8_t code, Bytes rest) {
  ByteReader reader(rest);
  reader.u32();
  auto inner = read_ipv4(reader.rest());
  if (!inner) return str("type-#3, code ", static_cast<int>(code));
  std::string host = to_string(inner->destination);
  switch (code) {
    case 0:
      return "net " + host + " unreachable";
    case 1:
      return "host " + host + " unreachable";
    case 3: {
      ByteReader ports(inner->payload);
      ports.u16();
      return str(host, inner->protocol == protocol_udp ? " udp" : " tcp", " port ", ports.u16(),
                 " unreachable");
    }
    case 4: {
      ByteReader mtu(rest);
      mtu.u16();
      return str(host, " unreachable - need to frag (mtu ", mtu.u16(), ")");
    }
    case 13:
      return host + " unreachable - admin prohibited filter";
    default:
      return str(host, " unreachable - #", static_cast<int>(code));
  }
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
    default:
      return str("ip-proto-", static_cast<int>(protocol));
  }
}

std::string print_icmp(Bytes bytes) {
  ByteReader reader(bytes);
  uint8_t type = reader.u8();
  uint8_t code = reader.u8();
  reader.u16();
  if (!reader.ok()) return "[|icmp]";
  std::string length = str(", length ", bytes.size());
  if (type == 0 || type == 8) {
    uint16_t id = reader.u16();
    return str("ICMP echo ", type == 8 ? "request" : "reply", ", id ", id, ", seq ", reader.u16(),
               length);
  }
  if (type == 3) return "ICMP " + unreachable(code, bytes.subspan(4)) + length;
  if (type == 5) return "ICMP redirect" + length;
  if (type == 11) return "ICMP time exceeded in-transit" + length;
  return str("ICMP type-#", static_cast<int>(type), length);
}

std::optional<TcpSegment> read_tcp(Bytes bytes) {
  ByteReader reader(bytes);
  TcpSegment segment;
  segment.source_port = reader.u16();
  segment.destination_port = reader.u16();
  segment.sequence = reader.u32();
  segment.acknowledgment = reader.u32();
  size_t header = static_cast<size_t>(reader.u8() >> 4U) * 4;
  segment.flags = reader.u8() & 63U;
  segment.window = reader.u16();
  reader.u32();  // Checksum and urgent pointer.
  if (!reader.ok() || header < 20 || header > bytes.size()) return std::nullopt;
  segment.options = bytes.subspan(20, header - 20);
  segment.payload = bytes.subspan(header);
  return segment;
}

std::string print_tcp_segment(const TcpSegment& segment, uint32_t base, uint32_t ack_base) {
  std::string out = "Flags [" + print_flags(segment.flags) + "]";
  size_t length = segment.payload.size();
  uint32_t from = segment.sequence - base;
  bool numbered = length > 0 || (segment.flags & (tcp_syn | tcp_fin | tcp_rst)) != 0;
  if (length > 0) {
    out += str(", seq ", from, ":", from + static_cast<uint32_t>(length));
  } else if (numbered) {
    out += str(", seq ", from);
  }
  if ((segment.flags & tcp_ack) != 0) out += str(", ack ", segment.acknowledgment - ack_base);
  out += str(", win ", segment.window);
  if (!segment.options.empty()) out += ", options [" + print_options(segment.options) + "]";
  return out + str(", length ", length) + http_line(segment.payload);
}

std::string print_udp(const Ipv4Header& ip) {
  ByteReader reader(ip.payload);
  uint16_t source = reader.u16();
  uint16_t destination = reader.u16();
  uint16_t length = reader.u16();
  reader.u16();
  if (!reader.ok()) return to_string(ip.source) + " > " + to_string(ip.destination) + ": [|udp]";
  std::string hosts = str(to_string(ip.source), ".", source, " > ", to_string(ip.destination), ".",
                          destination, ": ");
  if (source == dns_port || destination == dns_port) {
    if (auto dns = print_dns(reader.rest())) return hosts + *dns;
  }
  return hosts + str("UDP, length ", length < 8 ? 0 : length - 8);
}

}  // namespace hoplab::trace
