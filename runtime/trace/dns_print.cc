// DNS messages in tcpdump's words. The wire format is RFC 1035; names may be compressed.

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

std::string print_data(Bytes message, uint16_t type, size_t at, Bytes data) {
  ByteReader reader(data);
  if (type == 1 && data.size() == 4) return " " + to_string(reader.ip());
  if (type == 2 || type == 5 || type == 12) {
    return " " + read_name(message, at).value_or("[|domain]");
  }
  if (type == 33 && data.size() > 6) {
    reader.u32();
    uint16_t port = reader.u16();
    at += 6;
    return " " + read_name(message, at).value_or("[|domain]") + str(":", port, " 0 0");
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

std::optional<std::string> print_dns(Bytes bytes) {
  ByteReader header(bytes);
  uint16_t id = header.u16();
  uint16_t flags = header.u16();
  uint16_t questions = header.u16();
  uint16_t answers = header.u16();
  uint16_t authorities = header.u16();
  uint16_t additionals = header.u16();
  if (!header.ok() || questions != 1) return std::nullopt;
  size_t at = 12;
  auto name = read_name(bytes, at);
  if (!name || at + 4 > bytes.size()) return std::nullopt;
  ByteReader question(bytes.subspan(at));
  uint16_t type = question.u16();
  at += 4;
  std::string size = str(" (", bytes.size(), ")");
  bool response = (flags & 0x8000U) != 0;
  if (!response) {
    std::string extra = additionals > 0 ? str(" [", additionals, "au]") : "";
    return str(id, (flags & 0x0100U) != 0 ? "+" : "", extra, " ", type_name(type), "? ", *name,
               size);
  }
  std::string out =
      str(id, response_code(flags), (flags & 0x0400U) != 0 ? "*" : "",
          (flags & 0x0080U) != 0 ? "" : "-", " ", answers, "/", authorities, "/", additionals);
  for (int i = 0; i < answers && i < most_records; ++i) {
    if (!read_name(bytes, at) || at + 10 > bytes.size()) return out + " [|domain]" + size;
    ByteReader record(bytes.subspan(at));
    uint16_t record_type = record.u16();
    record.u16();
    record.u32();
    uint16_t length = record.u16();
    at += 10;
    if (at + length > bytes.size()) return out + " [|domain]" + size;
    out += str(i > 0 ? "," : "", " ", type_name(record_type),
               print_data(bytes, record_type, at, bytes.subspan(at, length)));
    at += length;
  }
  return out + size;
}

}  // namespace hoplab::trace
