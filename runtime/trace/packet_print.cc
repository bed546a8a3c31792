#include "runtime/trace/packet_print.h"

#include <array>
#include <cstdio>
#include <ctime>

#include "runtime/base/text.h"
#include "runtime/trace/protocol_print.h"

namespace hoplab::trace {

namespace {

constexpr size_t most_connections = 4096;

std::string print_arp(const ArpMessage& arp, size_t length) {
  std::string tail = str(", length ", length);
  if (arp.operation == 1) {
    std::string asked =
        arp.target_mac == Mac{} || arp.target_mac == Mac{{255, 255, 255, 255, 255, 255}}
            ? ""
            : " (" + to_string(arp.target_mac) + ")";
    return "ARP, Request who-has " + to_string(arp.target_ip) + asked + " tell " +
           to_string(arp.sender_ip) + tail;
  }
  if (arp.operation == 2) {
    return "ARP, Reply " + to_string(arp.sender_ip) + " is-at " + to_string(arp.sender_mac) + tail;
  }
  return str("ARP, Unknown (", arp.operation, ")", tail);
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

std::string fragment_note(const Ipv4Header& ip) {
  if (ip.fragment_offset == 0) return "";
  return str(protocol_name(ip.protocol));
}

}  // namespace

std::string print_time(int64_t nanoseconds) {
  auto seconds = static_cast<time_t>(nanoseconds / 1'000'000'000);
  std::tm tm{};
  localtime_r(&seconds, &tm);
  std::array<char, 24> text{};
  std::snprintf(text.data(), text.size(), "%02d:%02d:%02d.%06d", tm.tm_hour, tm.tm_min, tm.tm_sec,
                static_cast<int>(nanoseconds % 1'000'000'000 / 1000));
  return text.data();
}

std::string PacketPrinter::print(Bytes frame, bool ethernet, size_t wire_length) {
  if (!ethernet) return print_payload(ethertype_ipv4, frame, wire_length);
  ByteReader reader(frame);
  auto header = read_ethernet(reader);
  if (!header) return "[|ether]";
  std::string front;
  if (options_.link_header) {
    front = str(to_string(header->source), " > ", to_string(header->destination), ", ethertype ",
                type_name(header->type), ", length ", wire_length, ": ");
  }
  return front + print_payload(header->type, reader.rest(), wire_length - 14);
}

std::string PacketPrinter::print_payload(uint16_t type, Bytes bytes, size_t wire_length) {
  // With -e the protocol's name already stands in the link header.
  if (type == ethertype_arp) {
    auto arp = read_arp(bytes);
    std::string text = arp ? print_arp(*arp, wire_length) : "ARP, [|arp]";
    return options_.link_header ? text.substr(5) : text;
  }
  if (type == ethertype_ipv4) {
    return (options_.link_header ? "" : "IP ") + print_ip(bytes, false);
  }
  if (type == ethertype_ipv6)
    return str(options_.link_header ? "" : "IP6 ", "length ", wire_length);
  return str("ethertype ", type_name(type), ", length ", wire_length);
}

std::string PacketPrinter::print_ip(Bytes bytes, bool inner) {
  auto ip = read_ipv4(bytes);
  if (!ip) return "[|ip]";
  std::string details;
  if (options_.verbose) {
    std::string flags = ip->dont_fragment ? "DF" : ip->more_fragments ? "+" : "none";
    std::array<char, 160> text{};
    std::snprintf(
        text.data(), text.size(),
        "(tos 0x%x, ttl %d, id %d, offset %d, flags [%s], proto %s (%d), length %d)\n    ", ip->tos,
        ip->ttl, ip->id, ip->fragment_offset, flags.c_str(),
        std::string(protocol_name(ip->protocol)).c_str(), ip->protocol, ip->total_length);
    details = inner ? std::string(" ") + text.data() : text.data();
  }
  std::string hosts = to_string(ip->source) + " > " + to_string(ip->destination);
  if (ip->fragment_offset > 0) return details + hosts + ": " + fragment_note(*ip);
  switch (ip->protocol) {
    case protocol_icmp:
      return details + hosts + ": " + print_icmp(ip->payload);
    case protocol_ipip:
      return details + hosts + ": IP " + print_ip(ip->payload, true);
    case protocol_udp:
      return details + print_udp(*ip);
    case protocol_tcp:
      return details + print_tcp(*ip);
    default:
      return details + hosts + ": " + std::string(protocol_name(ip->protocol)) +
             str(" ", ip->payload.size());
  }
}

std::string PacketPrinter::print_tcp(const Ipv4Header& ip) {
  auto segment = read_tcp(ip.payload);
  if (!segment) return to_string(ip.source) + " > " + to_string(ip.destination) + ": [|tcp]";
  std::string from = str(to_string(ip.source), ".", segment->source_port);
  std::string to = str(to_string(ip.destination), ".", segment->destination_port);
  std::string forward = from + " > " + to;
  std::string backward = to + " > " + from;
  if (first_sequence_.size() > most_connections) first_sequence_.clear();
  bool syn = (segment->flags & tcp_syn) != 0;
  if (syn) {
    first_sequence_[forward] = segment->sequence;
    if ((segment->flags & tcp_ack) != 0) first_sequence_[backward] = segment->acknowledgment - 1;
  }
  bool known = first_sequence_.contains(forward);
  uint32_t base = syn || !known ? 0 : first_sequence_[forward];
  uint32_t ack_base = 0;
  if (!syn && first_sequence_.contains(backward)) ack_base = first_sequence_[backward];
  if (!known && !syn) {
    // The first segment seen is printed with whole numbers, the following ones relative to it.
    first_sequence_[forward] = segment->sequence;
    if (!first_sequence_.contains(backward)) first_sequence_[backward] = segment->acknowledgment;
  }
  return forward + ": " + print_tcp_segment(*segment, base, ack_base);
}

}  // namespace hoplab::trace
