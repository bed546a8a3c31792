// DNS messages in tcpdump's words. The wire format is RFC 1035; names may be compressed.

#include <arpa/inet.h>

#include <array>

#include "runtime/base/text.h"
#include "runtime/trace/protocol_print.h"

namespace hoplab::trace {

namespace {

constexpr int most_records = 32;

std::string type_name(uint16_t type) {
  switch (type) {
    case 1:
      return "A";
    case 2:
      return "NS";
    case 5:
      return "CNAME";
    case 6:
      return "SOA";
    case 12:
      return "PTR";
    case 15:
      return "MX";
    case 16:
      return "TXT";
    case 28:
      return "AAAA";
    case 33:
      return "SRV";
    case 41:
      return "OPT";
    case 99:
      return "SPF";
    case 255:
      return "ANY";
    default:
      return str("Type", type);
  }
}

/// Reads a name at `at` and moves `at` past it; nullopt when it is broken.
std::optional<std::string> read_name(Bytes message, size_t& at) {
  std::string out;
  size_t position = at;
  bool jumped = false;
  for (int steps = 0; steps < 128; ++steps) {
    if (position >= message.size()) return std::nullopt;
    uint8_t length = message[position];
    if ((length & 0xc0U) == 0xc0U) {
      if (position + 1 >= message.size()) return std::nullopt;
      size_t target = static_cast<size_t>(length & 0x3fU) << 8U | message[position + 1];
      if (!jumped) at = position + 2;
      // Pointers only lead backwards (RFC 1035 4.1.4): no loop can come of that.
      if (target >= position) return std::nullopt;
      jumped = true;
      position = target;
      continue;
    }
    ++position;
    if (length == 0) {
      if (!jumped) at = position;
      return out.empty() ? "." : out;
    }
    if (length > 63 || position + length > message.size()) return std::nullopt;
    for (size_t i = 0; i < length; ++i) {
      auto c = static_cast<char>(message[position + i]);
      out += c > 32 && c < 127 ? c : '?';
    }
    out += '.';
    position += length;
  }
  return std::nullopt;
}

std::string print_text(Bytes data) {
  ByteReader reader(data);
  std::string out;
  while (reader.left() > 0) {
    out += " \"";
    for (uint8_t byte : reader.take(reader.u8())) {
      const auto c = static_cast<char>(byte);
      out += c >= 32 && c < 127 ? c : '?';
    }
    out += '"';
  }
  return out;
}

std::string name_at(Bytes message, size_t& at) {
  auto name = read_name(message, at);
  if (!name) at = message.size();
  return " " + name.value_or("[|domain]");
}

std::string print_soa(Bytes message, size_t at) {
  std::string out = name_at(message, at);
  out += name_at(message, at);
  ByteReader numbers(message.subspan(at));
  for (int i = 0; i < 5 && numbers.ok(); ++i) out += str(" ", numbers.u32());
  return out;
}

std::string print_ipv6(Bytes data) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  return ::inet_ntop(AF_INET6, data.data(), text.data(), text.size()) == nullptr ? "" : text.data();
}

std::string print_data(Bytes message, uint16_t type, size_t at, Bytes data, bool verbose) {
  ByteReader reader(data);
  if (type == 1 && data.size() == 4) return " " + to_string(reader.ip());
  if (type == 28 && data.size() == 16) return " " + print_ipv6(data);
  if (type == 2 || type == 5 || type == 12) return name_at(message, at);
  if (type == 6) return verbose ? print_soa(message, at) : "";
  if (type == 15 && data.size() > 2) {
    const uint16_t preference = reader.u16();
    at += 2;
    return str(name_at(message, at), " ", preference);
  }
  if (type == 16 || type == 99) return print_text(data);
  if (type == 33 && data.size() > 6) {
    const uint16_t priority = reader.u16();
    const uint16_t weight = reader.u16();
    const uint16_t port = reader.u16();
    at += 6;
    return str(name_at(message, at), ":", port, " ", priority, " ", weight);
  }
  return "";
}

std::string response_code(uint16_t flags) {
  switch (flags & 15U) {
    case 0:
      return "";
    case 1:
      return " FormErr";
    case 2:
      return " ServFail";
    case 3:
      return " NXDomain";
    case 4:
      return " NotImp";
    case 5:
      return " Refused";
    default:
      return str(" Resp", flags & 15U);
  }
}

}  // namespace

std::string print_dns(Bytes bytes, bool verbose) {
  constexpr size_t header_bytes = 12;
  if (bytes.size() < header_bytes) return str("domain [length ", bytes.size(), " < 12] (invalid)");
  ByteReader header(bytes);
  uint16_t id = header.u16();
  uint16_t flags = header.u16();
  uint16_t questions = header.u16();
  uint16_t answers = header.u16();
  uint16_t authorities = header.u16();
  uint16_t additionals = header.u16();
  const std::string size = str(" (", bytes.size(), ")");
  if (questions != 1) return str(id, " [", questions, "q] [|domain]", size);
  size_t at = header_bytes;
  auto name = read_name(bytes, at);
  if (!name || at + 4 > bytes.size()) return str(id, " [|domain]", size);
  ByteReader question(bytes.subspan(at));
  uint16_t type = question.u16();
  at += 4;
  bool response = (flags & 0x8000U) != 0;
  if (!response) {
    std::string extra = additionals > 0 ? str(" [", additionals, "au]") : "";
    return str(id, (flags & 0x0100U) != 0 ? "+" : "", extra, " ", type_name(type), "? ", *name,
               size);
  }
  std::string out =
      str(id, response_code(flags), (flags & 0x0400U) != 0 ? "*" : "",
          (flags & 0x0080U) != 0 ? "" : "-", (flags & 0x0200U) != 0 ? "|" : "",
          (flags & 0x0020U) != 0 ? "$" : "", " ", answers, "/", authorities, "/", additionals);
  for (int i = 0; i < answers && i < most_records; ++i) {
    const auto owner = read_name(bytes, at);
    if (!owner || at + 10 > bytes.size()) return out + " [|domain]" + size;
    ByteReader record(bytes.subspan(at));
    uint16_t record_type = record.u16();
    record.u16();
    record.u32();
    uint16_t length = record.u16();
    at += 10;
    if (at + length > bytes.size()) return out + " [|domain]" + size;
    out += str(i > 0 ? "," : "", " ", verbose ? *owner + " " : "", type_name(record_type),
               print_data(bytes, record_type, at, bytes.subspan(at, length), verbose));
    at += length;
  }
  return out + size;
}

}  // namespace hoplab::trace
