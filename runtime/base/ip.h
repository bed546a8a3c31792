#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "runtime/base/result.h"

namespace hoplab {

/// An IPv4 address, kept in host byte order so that it compares and counts naturally.
class Ipv4 {
 public:
  constexpr Ipv4() = default;
  constexpr explicit Ipv4(uint32_t host_order) : value_(host_order) {}
  constexpr Ipv4(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
      : value_(uint32_t{a} << 24U | uint32_t{b} << 16U | uint32_t{c} << 8U | d) {}

  /// Dotted quad only: "10.0.0.1". No leading zeros, no short forms.
  static Result<Ipv4> parse(std::string_view text);
  static Ipv4 from_network_order(uint32_t network_order);

  [[nodiscard]] constexpr uint32_t value() const { return value_; }
  [[nodiscard]] uint32_t network_order() const;
  [[nodiscard]] constexpr bool is_unspecified() const { return value_ == 0; }
  constexpr auto operator<=>(const Ipv4&) const = default;

  [[nodiscard]] constexpr Ipv4 operator+(uint32_t n) const { return Ipv4(value_ + n); }

 private:
  uint32_t value_ = 0;
};

/// An IPv4 network: address and prefix length. `network()` has the host bits cleared; `address()`
/// keeps them, so that "192.168.10.101/24" can name an interface address as well.
class Prefix {
 public:
  constexpr Prefix() = default;
  /// `length` is 0 to 32.
  constexpr Prefix(Ipv4 address, uint8_t length) : address_(address), length_(length) {}

  /// "a.b.c.d/len"; a bare "a.b.c.d" is a /32.
  static Result<Prefix> parse(std::string_view text);
  static constexpr Prefix host(Ipv4 address) { return {address, 32}; }

  [[nodiscard]] constexpr Ipv4 address() const { return address_; }
  [[nodiscard]] constexpr uint8_t length() const { return length_; }
  [[nodiscard]] constexpr uint32_t mask() const {
    return length_ == 0 ? 0 : ~uint32_t{0} << (32U - length_);
  }
  [[nodiscard]] constexpr Ipv4 network() const { return Ipv4(address_.value() & mask()); }
  [[nodiscard]] constexpr Ipv4 broadcast() const { return Ipv4(address_.value() | ~mask()); }
  /// Number of addresses, all counted (2^32 for /0).
  [[nodiscard]] constexpr uint64_t size() const { return uint64_t{1} << (32U - length_); }
  [[nodiscard]] constexpr bool contains(Ipv4 ip) const {
    return (ip.value() & mask()) == network().value();
  }
  [[nodiscard]] constexpr bool contains(const Prefix& other) const {
    return other.length_ >= length_ && contains(other.address_);
  }
  [[nodiscard]] constexpr bool overlaps(const Prefix& other) const {
    return contains(other) || other.contains(*this);
  }
  /// The same network with the host bits cleared.
  [[nodiscard]] constexpr Prefix masked() const { return {network(), length_}; }
  constexpr auto operator<=>(const Prefix&) const = default;

 private:
  Ipv4 address_;
  uint8_t length_ = 0;
};

/// An Ethernet address.
struct Mac {
  std::array<uint8_t, 6> bytes{};

  /// "ee:ee:ee:ee:ee:ee", upper or lower case.
  static Result<Mac> parse(std::string_view text);
  auto operator<=>(const Mac&) const = default;
};

std::string to_string(Ipv4 ip);
/// "a.b.c.d/len", always with the length.
std::string to_string(const Prefix& prefix);
std::string to_string(const Mac& mac);

}  // namespace hoplab

template <>
struct std::hash<hoplab::Ipv4> {
  size_t operator()(hoplab::Ipv4 ip) const noexcept { return std::hash<uint32_t>{}(ip.value()); }
};
