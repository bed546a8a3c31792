#include "runtime/netlink/ipset.h"

#include <linux/netfilter/ipset/ip_set.h>
#include <linux/netfilter/nfnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>

#include "runtime/base/text.h"
#include "runtime/netlink/attributes.h"
#include "runtime/netlink/builder.h"
#include "runtime/netlink/parse.h"

namespace hoplab {
namespace {

constexpr size_t max_messages = 100;
constexpr uint8_t protocol = 6;  // understood by every kernel since 3.x; 7 adds nothing used here

constexpr int type_of(int command) {
  return NFNL_SUBSYS_IPSET << 8 | command;
}

MessageBuilder request(int command, int flags) {
  MessageBuilder builder(type_of(command), flags);
  nfgenmsg header{};
  header.nfgen_family = AF_INET;
  header.version = NFNETLINK_V0;
  builder.header(header);
  builder.u8(IPSET_ATTR_PROTOCOL, protocol);
  return builder;
}

void network_u32(MessageBuilder& builder, int type, uint32_t value) {
  builder.u32(type | NLA_F_NET_BYTEORDER, Ipv4(value).network_order());
}

Result<MessageBytes> build(const IpSetOperation& operation, uint8_t revision) {
  using Kind = IpSetOperation::Kind;
  if (operation.set.empty() || operation.set.size() >= IPSET_MAXNAMELEN) {
    return Error(ErrorCode::invalid,
                 "ipset name \"" + operation.set + "\": 1 to 31 bytes are allowed");
  }
  constexpr std::array commands{IPSET_CMD_CREATE, IPSET_CMD_ADD, IPSET_CMD_DEL, IPSET_CMD_DESTROY};
  // Without NLM_F_EXCL "it is so already" is a success.
  MessageBuilder builder = request(commands[static_cast<size_t>(operation.kind)], NLM_F_ACK);
  builder.string(IPSET_ATTR_SETNAME, operation.set);
  if (operation.kind == Kind::create) {
    builder.string(IPSET_ATTR_TYPENAME, std::string(to_string(operation.type)));
    builder.u8(IPSET_ATTR_REVISION, revision);
    builder.u8(IPSET_ATTR_FAMILY, AF_INET);
    builder.nested(IPSET_ATTR_DATA,
                   [&] { network_u32(builder, IPSET_ATTR_MAXELEM, operation.max_elements); });
  }
  if (operation.kind == Kind::add || operation.kind == Kind::remove) {
    builder.nested(IPSET_ATTR_DATA, [&] {
      builder.nested(IPSET_ATTR_IP, [&] {
        network_u32(builder, IPSET_ATTR_IPADDR_IPV4, operation.member.network().value());
      });
      builder.u8(IPSET_ATTR_CIDR, operation.member.length());
    });
  }
  return builder.finish();
}

// The newest revision of a type that the kernel has, which is what ipset(8) would create.
Result<uint8_t> newest_revision(NetlinkSocket& socket, IpSetType type) {
  const std::string name(to_string(type));
  MessageBuilder builder = request(IPSET_CMD_TYPE, NLM_F_ACK);
  builder.string(IPSET_ATTR_TYPENAME, name);
  builder.u8(IPSET_ATTR_FAMILY, AF_INET);
  HOP_TRY(MessageBytes message, builder.finish());
  uint8_t revision = 0;
  HOP_CHECK(socket
                .dump(message,
                      [&](std::span<const std::byte> datagram) {
                        for_each_message(datagram, [&](const nlmsghdr& header) {
                          if (header.nlmsg_type != type_of(IPSET_CMD_TYPE)) return;
                          revision = Attributes::of_message(header, sizeof(nfgenmsg))
                                         .get<uint8_t>(IPSET_ATTR_REVISION)
                                         .value_or(0);
                        });
                      })
                .context("asking the kernel for ipset type " + name));
  return revision;
}

// ipset has errnos of its own above the ordinary ones.
std::string own_error(int error) {
  switch (error) {
    case IPSET_ERR_FIND_TYPE:
      return "the kernel has no such set type";
    case IPSET_ERR_MAX_SETS:
      return "the kernel's limit of sets is reached";
    case IPSET_ERR_BUSY:
      return "a rule still uses the set";
    case IPSET_ERR_INVALID_CIDR:
      return "the prefix length does not suit the set's type";
    case IPSET_ERR_TYPE_SPECIFIC:
      return "the set is full";
    default:
      return str("ipset error ", error);
  }
}

Error refusal(const IpSetOperation& operation, const NetlinkAck& ack) {
  if (ack.sys_errno >= IPSET_ERR_PRIVATE) {
    return {ErrorCode::system, to_command(operation) + ": " + own_error(ack.sys_errno)};
  }
  std::string what = to_command(operation);
  if (ack.sys_errno == EEXIST) what += ": a set of that name has another type or size";
  return Error::from_errno(ack.sys_errno, what);
}

std::optional<IpSetType> known_type(const std::string& name) {
  for (IpSetType type : {IpSetType::hash_net, IpSetType::hash_ip}) {
    if (to_string(type) == name) return type;
  }
  return std::nullopt;
}

}  // namespace

std::optional<IpSet> parse_ipset(const nlmsghdr& message) {
  const auto header = fixed_part<nfgenmsg>(message);
  if (!header) return std::nullopt;
  const auto attributes = Attributes::of_message(message, sizeof *header);
  IpSet set{.name = attributes.string(IPSET_ATTR_SETNAME), .max_elements = 0};
  if (set.name.empty()) return std::nullopt;
  // Only the first message about a set describes it; members go on in the next ones.
  if (attributes.has(IPSET_ATTR_TYPENAME)) {
    const auto type = known_type(attributes.string(IPSET_ATTR_TYPENAME));
    if (!type || attributes.get<uint8_t>(IPSET_ATTR_FAMILY) != uint8_t{AF_INET})
      return std::nullopt;
    set.type = *type;
    auto size = attributes.nested(IPSET_ATTR_DATA).get<uint32_t>(IPSET_ATTR_MAXELEM);
    set.max_elements = Ipv4::from_network_order(size.value_or(0)).value();
  }
  const auto list = Attributes::list(attributes.data(IPSET_ATTR_ADT),
                                     attributes.length(IPSET_ATTR_ADT), IPSET_ATTR_DATA);
  for (const Attributes& member : list) {
    const auto ip = member.nested(IPSET_ATTR_IP).ip(IPSET_ATTR_IPADDR_IPV4);
    const uint8_t length = member.get<uint8_t>(IPSET_ATTR_CIDR).value_or(32);
    if (ip && length <= 32) set.members.emplace_back(*ip, length);
  }
  return set;
}

Result<std::vector<IpSet>> dump_ipsets(NetlinkSocket& socket) {
  HOP_TRY(MessageBytes message, request(IPSET_CMD_LIST, NLM_F_DUMP).finish());
  std::vector<IpSet> out;
  HOP_CHECK(socket
                .dump(message,
                      [&](std::span<const std::byte> datagram) {
                        for_each_message(datagram, [&](const nlmsghdr& header) {
                          if (header.nlmsg_type != type_of(IPSET_CMD_LIST)) return;
                          auto part = parse_ipset(header);
                          if (!part) return;
                          if (!out.empty() && out.back().name == part->name) {
                            auto& members = out.back().members;
                            members.insert(members.end(), part->members.begin(),
                                           part->members.end());
                          } else if (part->max_elements != 0) {
                            out.push_back(std::move(*part));
                          }
                        });
                      })
                .context("listing ipsets"));
  return out;
}

ApplyReport apply_ipset_operations(NetlinkSocket& socket,
                                   std::span<const IpSetOperation> operations) {
  ApplyReport report;
  report.outcomes.resize(operations.size());
  const auto fail = [&](size_t at, Error error) {
    report.outcomes[at] = {OutcomeState::failed, std::move(error)};
  };
  std::map<IpSetType, uint8_t> revisions;
  for (size_t start = 0; start < operations.size(); start += max_messages) {
    const size_t end = std::min(operations.size(), start + max_messages);
    MessageBytes bytes;
    for (size_t at = start; at < end; ++at) {
      const IpSetOperation& operation = operations[at];
      auto [revision, fresh] = revisions.try_emplace(operation.type, uint8_t{0});
      if (operation.kind == IpSetOperation::Kind::create && fresh) {
        auto newest = newest_revision(socket, operation.type);
        if (newest) revision->second = *newest;
      }
      auto message = build(operation, revision->second);
      if (!message) {
        fail(at, std::move(message).error().context(to_command(operation)));
        return report;
      }
      bytes.insert(bytes.end(), message->begin(), message->end());
    }
    auto acks = socket.transact(bytes);
    for (size_t at = start; at < end; ++at) {
      if (!acks) {
        fail(at, acks.error());
      } else if (const NetlinkAck& ack = (*acks)[at - start]; ack.sys_errno != 0) {
        fail(at, refusal(operations[at], ack));
      } else {
        report.outcomes[at].state = OutcomeState::done;
      }
    }
    if (!report.status()) break;
  }
  return report;
}

}  // namespace hoplab
