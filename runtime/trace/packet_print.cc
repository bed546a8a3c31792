#include "runtime/trace/packet_print.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>

#include "runtime/base/text.h"
#include "runtime/trace/protocol_print.h"

namespace hoplab::trace {

namespace {

constexpr size_t most_connections = 4096;
constexpr int64_t second = 1'000'000'000;
constexpr int deepest_packet = 32;

std::string print_arp(const ArpMessage& arp, size_t length) {
  std::string tail = str(", length ", length);
  if (arp.operation == 1) {
    std::string asked =
        arp.target_mac == Mac{} || arp.target_mac == Mac{{255, 255, 255, 255, 255, 255}}
            ? ""
            : " (" + to_string(arp.target_mac) + ")";
    return "Request who-has " + to_string(arp.target_ip) + asked + " tell " +
           to_string(arp.sender_ip) + tail;
  }
  if (arp.operation == 2) {
    return "Reply " + to_string(arp.sender_ip) + " is-at " + to_string(arp.sender_mac) + tail;
  }
  return str("Unknown (", arp.operation, ")", tail);
}

std::string type_name(uint16_t type) {
  switch (type) {
    case ethertype_ipv4:
      return "IPv4 (0x0800)";
    case ethertype_arp:
      return "ARP (0x0806)";
    case ethertype_ipv6:
      return "IPv6 (0x86dd)";
    default:
      break;
  }
  std::array<char, 24> text{};
  std::snprintf(text.data(), text.size(), "Unknown (0x%04x)", type);
  return text.data();
}

/// The line that -v puts in front.
std::string print_header(const Ipv4Header& ip) {
  const char* const congestion[] = {"", ",ECT(1)", ",ECT(0)", ",CE"};  // NOLINT: a table
  std::string flags = ip.more_fragments ? "+" : "";
  if (ip.dont_fragment) flags += flags.empty() ? "DF" : ", DF";
  const uint16_t sum = checksum(ip.header);
  std::array<char, 200> text{};
  std::snprintf(text.data(), text.size(),
                "(tos 0x%x%s, ttl %d, id %d, offset %d, flags [%s], proto %s (%d), length %d",
                ip.tos, congestion[ip.tos & 3U], ip.ttl, ip.id, ip.fragment_offset,
                flags.empty() ? "none" : flags.c_str(), protocol_name(ip.protocol).c_str(),
                ip.protocol, ip.total_length);
  std::string out = text.data();
  if (sum != 0) {
    const auto field = static_cast<uint16_t>(ip.header[10] << 8U | ip.header[11]);
    std::snprintf(text.data(), text.size(), ", bad cksum %x (->%x)!", field,
                  right_checksum(field, sum));
    out += text.data();
  }
  return out + ")\n    ";
}

std::string print_ascii(Bytes bytes) {
  std::string out = "\n";
  for (size_t i = 0; i < bytes.size(); ++i) {
    const auto c = static_cast<char>(bytes[i]);
    if (c == '\r') {
      if (i + 1 >= bytes.size() || bytes[i + 1] != '\n') out += '.';
      continue;
    }
    const bool plain = (c >= 32 && c < 127) || c == '\t' || c == '\n';
    out += plain ? c : '.';
  }
  return out;
}

std::string print_hex(Bytes bytes) {
  constexpr size_t per_line = 16;
  std::string out;
  std::array<char, 24> text{};
  for (size_t at = 0; at < bytes.size(); at += per_line) {
    const Bytes line = bytes.subspan(at, std::min(per_line, bytes.size() - at));
    std::string hex;
    std::string plain;
    for (size_t i = 0; i < line.size(); ++i) {
      std::snprintf(text.data(), text.size(), i % 2 == 0 ? " %02x" : "%02x", line[i]);
      hex += text.data();
      const auto c = static_cast<char>(line[i]);
      plain += c > 32 && c < 127 ? c : '.';
    }
    hex.resize(per_line / 2 * 5, ' ');
    std::snprintf(text.data(), text.size(), "\n\t0x%04x: ", static_cast<unsigned>(at));
    out += text.data() + hex + "  " + plain;
  }
  return out;
}

}  // namespace

std::string print_time(int64_t nanoseconds) {
  auto seconds = static_cast<time_t>(nanoseconds / second);
  std::tm tm{};
  localtime_r(&seconds, &tm);
  std::array<char, 24> text{};
  std::snprintf(text.data(), text.size(), "%02d:%02d:%02d.%06d", tm.tm_hour, tm.tm_min, tm.tm_sec,
                static_cast<int>(nanoseconds % second / 1000));
  return text.data();
}

std::string print_date(int64_t nanoseconds) {
  auto seconds = static_cast<time_t>(nanoseconds / second);
  std::tm tm{};
  localtime_r(&seconds, &tm);
  std::array<char, 24> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%d", &tm);
  return text.data();
}

std::string print_seconds(int64_t nanoseconds) {
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%lld.%06d", static_cast<long long>(nanoseconds / second),
                static_cast<int>(nanoseconds % second / 1000));
  return text.data();
}

std::string print_span(int64_t nanoseconds) {
  const int64_t seconds = nanoseconds / second;
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%02lld:%02d:%02d.%06d",
                static_cast<long long>(seconds / 3600), static_cast<int>(seconds % 3600 / 60),
                static_cast<int>(seconds % 60), static_cast<int>(nanoseconds % second / 1000));
  return text.data();
}

std::string PacketPrinter::print(Bytes frame, bool ethernet, size_t wire_length) {
  std::string out = print_frame(frame, ethernet, wire_length);
  const Bytes packet = ethernet ? frame.subspan(std::min<size_t>(frame.size(), 14)) : frame;
  if (options_.ascii) out += print_ascii(packet);
  if (options_.hex) out += print_hex(packet);
  return out;
}

std::string PacketPrinter::print_frame(Bytes frame, bool ethernet, size_t wire_length) {
  if (!ethernet) return print_payload(ethertype_ipv4, frame, wire_length);
  ByteReader reader(frame);
  auto header = read_ethernet(reader);
  if (!header) return "[|ether]";
  std::string front;
  if (options_.link_header) {
    front = str(to_string(header->source), " > ", to_string(header->destination), ", ethertype ",
                type_name(header->type), ", length ", wire_length, ": ");
  }
  return front +
         print_payload(header->type, reader.rest(), wire_length < 14 ? 0 : wire_length - 14);
}

std::string PacketPrinter::print_payload(uint16_t type, Bytes bytes, size_t wire_length) {
  // With -e the protocol's name already stands in the link header.
  if (type == ethertype_arp) {
    auto arp = read_arp(bytes);
    std::string front = options_.link_header ? "" : "ARP, ";
    if (!arp) return front + "[|arp]";
    if (options_.verbose) front += "Ethernet (len 6), IPv4 (len 4), ";
    return front + print_arp(*arp, wire_length);
  }
  if (type == ethertype_ipv4) return print_ip(bytes);
  if (type == ethertype_ipv6) {
    return str(options_.link_header ? "" : "IP6 ", "length ", wire_length);
  }
  return str("ethertype ", type_name(type), ", length ", wire_length);
}

std::string PacketPrinter::print_ip(Bytes bytes, int depth) {
  auto ip = depth > deepest_packet ? std::nullopt : read_ipv4(bytes);
  const std::string name = options_.link_header ? "" : "IP ";
  if (!ip) return name + " [|ip]";
  const std::string front = name + (options_.verbose ? print_header(*ip) : "");
  const std::string hosts = to_string(ip->source) + " > " + to_string(ip->destination) + ": ";
  if (ip->fragment_offset > 0) {
    return str(front, hosts, "ip-proto-", static_cast<int>(ip->protocol));
  }
  switch (ip->protocol) {
    case protocol_icmp:
      return front + hosts + print_icmp_packet(*ip, depth);
    case protocol_ipip:
      return front + hosts + print_ip(ip->payload, depth + 1);
    case protocol_udp:
      return front + print_udp(*ip, options_.verbose);
    case protocol_tcp:
      return front + print_tcp(*ip);
    default:
      return str(front, hosts, " ip-proto-", static_cast<int>(ip->protocol), " ",
                 ip->payload.size());
  }
}

std::string PacketPrinter::print_icmp_packet(const Ipv4Header& ip, int depth) {
  std::string out = print_icmp(ip.payload, ip.payload_length);
  if (!options_.verbose || ip.payload.size() < 8) return out;
  const bool whole = !ip.more_fragments && ip.payload.size() == ip.payload_length;
  const uint16_t sum = whole ? checksum(ip.payload) : 0;
  if (sum != 0) {
    const auto field = static_cast<uint16_t>(ip.payload[2] << 8U | ip.payload[3]);
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), " (wrong icmp cksum %x (->%x)!)", field,
                  right_checksum(field, sum));
    out += text.data();
  }
  const Bytes quoted = quoted_packet(ip.payload);
  return quoted.empty() ? out : out + "\n\t" + print_ip(quoted, depth + 1);
}

std::string PacketPrinter::print_tcp(const Ipv4Header& ip) {
  const std::string hosts = to_string(ip.source) + " > " + to_string(ip.destination);
  auto segment = read_tcp(ip.payload);
  if (!segment) {
    ByteReader ports(ip.payload);
    const uint16_t from = ports.u16();
    const uint16_t to = ports.u16();
    if (!ports.ok()) return hosts + ":  [|tcp]";
    return str(to_string(ip.source), ".", from, " > ", to_string(ip.destination), ".", to,
               ":  [|tcp]");
  }
  const std::string from = str(to_string(ip.source), ".", segment->source_port);
  const std::string to = str(to_string(ip.destination), ".", segment->destination_port);
  TcpBases bases;
  // A segment without an acknowledgment does not tell both numbers: tcpdump prints it whole.
  if (!options_.absolute && (segment->flags & tcp_ack) != 0) {
    if (conversations_.size() > most_connections) conversations_.clear();
    const auto there = conversations_.find(from + " > " + to);
    const auto back = conversations_.find(to + " > " + from);
    const bool known = there != conversations_.end() || back != conversations_.end();
    if (!known || (segment->flags & tcp_syn) != 0) {
      if (back != conversations_.end()) conversations_.erase(back);
      conversations_[from + " > " + to] = {segment->sequence, segment->acknowledgment - 1};
      bases.selective = segment->acknowledgment - 1;
    } else if (there != conversations_.end()) {
      bases = {there->second.first, there->second.second, there->second.second};
    } else {
      bases = {back->second.second, back->second.first, back->second.first};
    }
  }
  return from + " > " + to + ": " + print_tcp_segment(ip, *segment, bases, options_.verbose);
}

}  // namespace hoplab::trace
