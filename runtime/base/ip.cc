#include "runtime/base/ip.h"

#include <arpa/inet.h>

#include <charconv>
#include <cstdio>

namespace hoplab {

namespace {

Error bad(std::string_view what, std::string_view text) {
  return {ErrorCode::invalid, "\"" + std::string(text) + "\" is not " + std::string(what)};
}

/// Reads a decimal number of at most `max` without sign or leading zero, and moves past it.
std::optional<unsigned> take_decimal(std::string_view& text, unsigned max) {
  unsigned value = 0;
  const char* end = text.data() + text.size();
  auto [next, ec] = std::from_chars(text.data(), end, value);
  auto used = static_cast<size_t>(next - text.data());
  if (ec != std::errc() || value > max || (used > 1 && text.front() == '0')) return std::nullopt;
  text.remove_prefix(used);
  return value;
}

bool take(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

std::optional<Ipv4> take_address(std::string_view& text) {
  uint32_t value = 0;
  for (int i = 0; i < 4; ++i) {
    if (i > 0 && !take(text, '.')) return std::nullopt;
    auto octet = take_decimal(text, 255);
    if (!octet) return std::nullopt;
    value = value << 8U | *octet;
  }
  return Ipv4(value);
}

}  // namespace

Result<Ipv4> Ipv4::parse(std::string_view text) {
  std::string_view rest = text;
  auto address = take_address(rest);
  if (!address || !rest.empty()) return bad("an IPv4 address", text);
  return *address;
}

Ipv4 Ipv4::from_network_order(uint32_t network_order) {
  return Ipv4(ntohl(network_order));
}

uint32_t Ipv4::network_order() const {
  return htonl(value_);
}

Result<Prefix> Prefix::parse(std::string_view text) {
  std::string_view rest = text;
  auto address = take_address(rest);
  if (!address) return bad("an IPv4 network (a.b.c.d/length)", text);
  if (rest.empty()) return Prefix::host(*address);
  if (!take(rest, '/')) return bad("an IPv4 network (a.b.c.d/length)", text);
  auto length = take_decimal(rest, 32);
  if (!length || !rest.empty()) return bad("an IPv4 network (length 0 to 32)", text);
  return Prefix(*address, static_cast<uint8_t>(*length));
}

Result<Mac> Mac::parse(std::string_view text) {
  Mac mac;
  std::string_view rest = text;
  for (size_t i = 0; i < mac.bytes.size(); ++i) {
    if (i > 0 && !take(rest, ':')) return bad("a MAC address", text);
    if (rest.size() < 2) return bad("a MAC address", text);
    auto [next, ec] = std::from_chars(rest.data(), rest.data() + 2, mac.bytes[i], 16);
    if (ec != std::errc() || next != rest.data() + 2) return bad("a MAC address", text);
    rest.remove_prefix(2);
  }
  if (!rest.empty()) return bad("a MAC address", text);
  return mac;
}

std::string to_string(Ipv4 ip) {
  uint32_t v = ip.value();
  return std::to_string(v >> 24U) + '.' + std::to_string(v >> 16U & 255U) + '.' +
         std::to_string(v >> 8U & 255U) + '.' + std::to_string(v & 255U);
}

std::string to_string(const Prefix& prefix) {
  return to_string(prefix.address()) + '/' + std::to_string(prefix.length());
}

std::string to_string(const Mac& mac) {
  std::array<char, 18> text{};
  const auto& b = mac.bytes;
  std::snprintf(text.data(), text.size(), "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3],
                b[4], b[5]);
  return text.data();
}

}  // namespace hoplab
