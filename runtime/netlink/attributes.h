#pragma once

#include <linux/netlink.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "runtime/base/ip.h"

// Inside the .cc files of runtime/netlink only.

namespace hoplab {

/// The attributes of a message or of a nested attribute, by type. A view: the message must outlive
/// it. Values shorter than asked for read as absent.
class Attributes {
 public:
  Attributes() = default;
  /// Those behind a fixed part of `header_size` bytes.
  static Attributes of_message(const nlmsghdr& message, size_t header_size);
  /// Those in `length` bytes from `begin` (4-byte aligned).
  static Attributes in(const void* begin, size_t length);

  /// The nested attributes of each attribute of `type` among those in `length` bytes.
  static std::vector<Attributes> list(const void* begin, size_t length, int type);

  [[nodiscard]] bool has(int type) const { return find(type) != nullptr; }
  [[nodiscard]] Attributes nested(int type) const;

  template <typename T>
  [[nodiscard]] std::optional<T> get(int type) const {
    T value;
    if (length(type) < sizeof value) return std::nullopt;
    std::memcpy(&value, data(type), sizeof value);
    return value;
  }
  [[nodiscard]] std::optional<Ipv4> ip(int type) const;
  [[nodiscard]] std::optional<Mac> mac(int type) const;
  /// Up to the first zero; empty when absent.
  [[nodiscard]] std::string string(int type) const;

  [[nodiscard]] const void* data(int type) const;
  [[nodiscard]] size_t length(int type) const;

 private:
  static constexpr int max_type = 95;  // above IFLA_MAX
  [[nodiscard]] const nlattr* find(int type) const {
    return type >= 0 && type <= max_type ? table_[static_cast<size_t>(type)] : nullptr;
  }
  std::array<nlattr*, max_type + 1> table_{};
};

/// The fixed part of a message, or nullopt when the message is too short for it.
template <typename T>
std::optional<T> fixed_part(const nlmsghdr& message) {
  T value;
  if (message.nlmsg_len < NLMSG_HDRLEN + sizeof value) return std::nullopt;
  std::memcpy(&value, reinterpret_cast<const char*>(&message) + NLMSG_HDRLEN, sizeof value);
  return value;
}

}  // namespace hoplab
