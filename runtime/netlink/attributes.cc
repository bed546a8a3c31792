#include "runtime/netlink/attributes.h"

#include <netlink/attr.h>

namespace hoplab {

Attributes Attributes::in(const void* begin, size_t length) {
  Attributes out;
  // libnl's table is of mutable attributes; nothing here writes to them.
  auto* head = static_cast<nlattr*>(const_cast<void*>(begin));
  if (nla_parse(out.table_.data(), max_type, head, static_cast<int>(length), nullptr) < 0) {
    return {};
  }
  return out;
}

std::vector<Attributes> Attributes::list(const void* begin, size_t length, int type) {
  std::vector<Attributes> out;
  auto* at = static_cast<nlattr*>(const_cast<void*>(begin));
  for (int left = static_cast<int>(length); at != nullptr && nla_ok(at, left) != 0;
       at = nla_next(at, &left)) {
    if (nla_type(at) == type) out.push_back(in(nla_data(at), static_cast<size_t>(nla_len(at))));
  }
  return out;
}

Attributes Attributes::of_message(const nlmsghdr& message, size_t header_size) {
  const size_t offset = NLMSG_HDRLEN + NLMSG_ALIGN(header_size);
  if (message.nlmsg_len <= offset) return {};
  return in(reinterpret_cast<const char*>(&message) + offset, message.nlmsg_len - offset);
}

Attributes Attributes::nested(int type) const {
  if (find(type) == nullptr) return {};
  return in(data(type), length(type));
}

const void* Attributes::data(int type) const {
  const nlattr* attribute = find(type);
  return attribute == nullptr ? nullptr : nla_data(attribute);
}

size_t Attributes::length(int type) const {
  const nlattr* attribute = find(type);
  return attribute == nullptr ? 0 : static_cast<size_t>(nla_len(attribute));
}

std::optional<Ipv4> Attributes::ip(int type) const {
  auto value = get<uint32_t>(type);
  if (!value) return std::nullopt;
  return Ipv4::from_network_order(*value);
}

std::optional<Mac> Attributes::mac(int type) const {
  Mac mac;
  if (length(type) != mac.bytes.size()) return std::nullopt;
  std::memcpy(mac.bytes.data(), data(type), mac.bytes.size());
  return mac;
}

std::string Attributes::string(int type) const {
  if (find(type) == nullptr) return {};
  const auto* chars = static_cast<const char*>(data(type));
  return {chars, ::strnlen(chars, length(type))};
}

}  // namespace hoplab
