#include "runtime/model/ipset.h"

#include <algorithm>
#include <set>

#include "runtime/base/text.h"

namespace hoplab {
namespace {

std::set<Prefix> sorted_members(const IpSet& set) {
  std::set<Prefix> out;
  for (const Prefix& member : set.members) out.insert(member.masked());
  return out;
}

std::string member_text(const Prefix& member) {
  return member.length() == 32 ? to_string(member.address()) : to_string(member);
}

}  // namespace

std::string_view to_string(IpSetType type) {
  return type == IpSetType::hash_net ? "hash:net" : "hash:ip";
}

std::string to_command(const IpSetOperation& operation) {
  using Kind = IpSetOperation::Kind;
  std::string out;
  if (!operation.netns.empty()) out = "ip netns exec " + shell_quote(operation.netns) + " ";
  switch (operation.kind) {
    case Kind::create:
      return out + str("ipset create ", operation.set, " ", to_string(operation.type),
                       " family inet maxelem ", operation.max_elements);
    case Kind::add:
      return out + "ipset add " + operation.set + " " + member_text(operation.member);
    case Kind::remove:
      return out + "ipset del " + operation.set + " " + member_text(operation.member);
    case Kind::destroy:
      break;
  }
  return out + "ipset destroy " + operation.set;
}

std::vector<IpSetOperation> diff(const IpSet& desired, const std::optional<IpSet>& observed,
                                 const std::string& netns, const std::string& reason) {
  using Kind = IpSetOperation::Kind;
  std::vector<IpSetOperation> out;
  if (!observed || observed->type != desired.type) {
    out.push_back({.kind = Kind::create,
                   .netns = netns,
                   .set = desired.name,
                   .type = desired.type,
                   .max_elements = desired.max_elements,
                   .reason = reason});
  }
  const auto wanted = sorted_members(desired);
  const auto present = observed ? sorted_members(*observed) : std::set<Prefix>{};
  const auto change = [&](Kind kind, const Prefix& member) {
    out.push_back({.kind = kind,
                   .netns = netns,
                   .set = desired.name,
                   .type = desired.type,
                   .member = member,
                   .reason = reason});
  };
  for (const Prefix& member : wanted) {
    if (!present.contains(member)) change(Kind::add, member);
  }
  for (const Prefix& member : present) {
    if (!wanted.contains(member)) change(Kind::remove, member);
  }
  return out;
}

}  // namespace hoplab
