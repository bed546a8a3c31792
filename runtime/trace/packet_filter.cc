#include "runtime/trace/packet_filter.h"

#include <charconv>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "runtime/base/text.h"

namespace hoplab::trace {

namespace {

constexpr int deepest = 64;

/// The fields a filter may ask about.
struct Fields {
  uint16_t ethertype = ethertype_ipv4;
  std::optional<Ipv4Header> ip;
  std::optional<ArpMessage> arp;
  std::optional<uint16_t> source_port, destination_port;
};

Fields read_fields(Bytes frame, bool ethernet) {
  Fields fields;
  ByteReader reader(frame);
  if (ethernet) {
    auto header = read_ethernet(reader);
    fields.ethertype = header ? header->type : 0;
  }
  if (fields.ethertype == ethertype_arp) fields.arp = read_arp(reader.rest());
  if (fields.ethertype != ethertype_ipv4) return fields;
  fields.ip = read_ipv4(reader.rest());
  if (!fields.ip || fields.ip->fragment_offset != 0) return fields;
  if (fields.ip->protocol == protocol_tcp || fields.ip->protocol == protocol_udp) {
    ByteReader ports(fields.ip->payload);
    uint16_t source = ports.u16();
    uint16_t destination = ports.u16();
    if (ports.ok()) {
      fields.source_port = source;
      fields.destination_port = destination;
    }
  }
  return fields;
}

}  // namespace

struct PacketFilter::Node {
  std::function<bool(const Fields&)> test;
};

namespace {

using Test = std::function<bool(const Fields&)>;

std::vector<std::string> tokenize(std::string_view text) {
  std::vector<std::string> out;
  std::string word;
  auto flush = [&] {
    if (!word.empty()) out.push_back(std::exchange(word, {}));
  };
  for (char c : text) {
    if (c == ' ' || c == '\t' || c == '\n') {
      flush();
    } else if (c == '(' || c == ')' || c == '!') {
      flush();
      out.emplace_back(1, c);
    } else {
      word += c;
    }
  }
  flush();
  return out;
}

enum class Side { either, source, destination };

Test address_test(Side side, Prefix prefix) {
  return [side, prefix](const Fields& f) {
    std::optional<Ipv4> source, destination;
    if (f.ip) {
      source = f.ip->source;
      destination = f.ip->destination;
    } else if (f.arp) {
      source = f.arp->sender_ip;
      destination = f.arp->target_ip;
    }
    bool from = source && prefix.contains(*source) && side != Side::destination;
    bool to = destination && prefix.contains(*destination) && side != Side::source;
    return from || to;
  };
}

Test port_test(Side side, uint16_t low, uint16_t high) {
  return [=](const Fields& f) {
    auto inside = [&](std::optional<uint16_t> port) {
      return port && *port >= low && *port <= high;
    };
    return (side != Side::destination && inside(f.source_port)) ||
           (side != Side::source && inside(f.destination_port));
  };
}

Test protocol_test(uint8_t protocol) {
  return [protocol](const Fields& f) { return f.ip && f.ip->protocol == protocol; };
}

std::optional<uint8_t> protocol_number(std::string name) {
  if (name.starts_with("\\")) name.erase(0, 1);
  if (name == "icmp") return protocol_icmp;
  if (name == "tcp") return protocol_tcp;
  if (name == "udp") return protocol_udp;
  if (name == "ipip" || name == "ipencap") return protocol_ipip;
  uint8_t value = 0;
  auto [end, code] = std::from_chars(name.data(), name.data() + name.size(), value);
  if (code != std::errc() || end != name.data() + name.size()) return std::nullopt;
  return value;
}

class Parser {
 public:
  explicit Parser(std::vector<std::string> tokens) : tokens_(std::move(tokens)) {}

  Result<Test> parse() {
    HOP_TRY(Test test, expression(0));
    if (at_ < tokens_.size()) return unexpected();
    return test;
  }

 private:
  [[nodiscard]] std::string peek() const { return at_ < tokens_.size() ? tokens_[at_] : ""; }
  std::string next() { return at_ < tokens_.size() ? tokens_[at_++] : ""; }
  bool accept(std::initializer_list<const char*> words) {
    for (const char* word : words) {
      if (peek() == word) {
        ++at_;
        return true;
      }
    }
    return false;
  }
  [[nodiscard]] Error unexpected() const {
    std::string word = peek();
    return {ErrorCode::invalid, word.empty() ? "filter ends too early"
                                             : "filter: \"" + word + "\" is not understood here"};
  }

  Result<Test> expression(int depth) {
    if (depth > deepest) return Error(ErrorCode::invalid, "filter: nested too deeply");
    HOP_TRY(Test left, term(depth));
    for (;;) {
      bool both = accept({"and", "&&"});
      bool either = !both && accept({"or", "||"});
      if (!both && !either) {
        // `tcp port 80`, `icmp host 10.0.0.1`: a missing `and`.
        if (at_ >= tokens_.size() || peek() == ")") return left;
        both = true;
      }
      HOP_TRY(Test right, term(depth));
      left = [left, right, both](const Fields& f) {
        return both ? left(f) && right(f) : left(f) || right(f);
      };
    }
  }

  Result<Test> term(int depth) {
    if (accept({"not", "!"})) {
      if (depth > deepest) return Error(ErrorCode::invalid, "filter: nested too deeply");
      HOP_TRY(Test inner, term(depth + 1));
      return Test([inner](const Fields& f) { return !inner(f); });
    }
    if (accept({"("})) {
      HOP_TRY(Test inner, expression(depth + 1));
      if (!accept({")"})) return Error(ErrorCode::invalid, "filter: \")\" is missing");
      return inner;
    }
    return primitive();
  }

  Result<Test> primitive() {
    if (accept({"arp"})) return Test([](const Fields& f) { return f.ethertype == ethertype_arp; });
    if (accept({"ip6"})) return Test([](const Fields& f) { return f.ethertype == ethertype_ipv6; });
    if (accept({"icmp"})) return protocol_test(protocol_icmp);
    if (accept({"tcp"})) return protocol_test(protocol_tcp);
    if (accept({"udp"})) return protocol_test(protocol_udp);
    if (accept({"ip"})) {
      if (peek() == "proto") return primitive();
      return Test([](const Fields& f) { return f.ethertype == ethertype_ipv4; });
    }
    if (accept({"proto"})) {
      auto number = protocol_number(peek());
      if (!number) return unexpected();
      ++at_;
      return protocol_test(*number);
    }
    Side side = accept({"src"}) ? Side::source : accept({"dst"}) ? Side::destination : Side::either;
    if (accept({"port"})) return ports(side, false);
    if (accept({"portrange"})) return ports(side, true);
    bool named = accept({"host", "net"});
    auto prefix = Prefix::parse(peek());
    if (!prefix || (!named && side == Side::either && peek().find('.') == std::string::npos)) {
      return unexpected();
    }
    ++at_;
    return address_test(side, *prefix);
  }

  Result<Test> ports(Side side, bool range) {
    std::string word = next();
    unsigned low = 0;
    unsigned high = 0;
    const char* end = word.data() + word.size();
    auto [stop, code] = std::from_chars(word.data(), end, low);
    high = low;
    if (range && code == std::errc() && stop != end && *stop == '-') {
      auto [last, again] = std::from_chars(stop + 1, end, high);
      stop = last;
      code = again;
    }
    if (code != std::errc() || stop != end || low > 65535 || high > 65535) {
      return Error(ErrorCode::invalid, "filter: \"" + word + "\" is not a port");
    }
    return port_test(side, static_cast<uint16_t>(low), static_cast<uint16_t>(high));
  }

  std::vector<std::string> tokens_;
  size_t at_ = 0;
};

}  // namespace

Result<PacketFilter> PacketFilter::parse(std::string_view text) {
  auto tokens = tokenize(text);
  PacketFilter filter;
  if (tokens.empty()) return filter;
  HOP_TRY(Test test, Parser(std::move(tokens)).parse());
  filter.root_ = std::make_shared<Node>(Node{std::move(test)});
  return filter;
}

bool PacketFilter::matches(Bytes frame, bool ethernet) const {
  return root_ == nullptr || root_->test(read_fields(frame, ethernet));
}

}  // namespace hoplab::trace
