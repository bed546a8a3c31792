#include "runtime/model/link.h"

#include <array>
#include <utility>

namespace hoplab {
namespace {

constexpr std::array<std::pair<LinkKind, std::string_view>, 11> kinds{{
    {LinkKind::loopback, "loopback"},
    {LinkKind::veth, "veth"},
    {LinkKind::bridge, "bridge"},
    {LinkKind::vxlan, "vxlan"},
    {LinkKind::ipip, "ipip"},
    {LinkKind::tun, "tun"},
    {LinkKind::dummy, "dummy"},
    {LinkKind::ifb, "ifb"},
    {LinkKind::macvlan, "macvlan"},
    {LinkKind::device, "device"},
    {LinkKind::other, "other"},
}};

}  // namespace

std::string_view to_string(LinkKind kind) {
  for (const auto& [known, name] : kinds) {
    if (known == kind) return name;
  }
  return "other";
}

LinkKind parse_link_kind(std::string_view name) {
  for (const auto& [kind, known] : kinds) {
    if (known == name) return kind;
  }
  return LinkKind::other;
}

}  // namespace hoplab
