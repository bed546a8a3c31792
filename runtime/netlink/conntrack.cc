#include "runtime/netlink/conntrack.h"

#include <arpa/inet.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include <algorithm>
#include <cerrno>

#include "runtime/netlink/attributes.h"
#include "runtime/netlink/builder.h"
#include "runtime/netlink/parse.h"

namespace hoplab {
namespace {

constexpr size_t max_messages = 100;

constexpr int type_of(int message) {
  return NFNL_SUBSYS_CTNETLINK << 8 | message;
}

MessageBuilder request(int message, int flags) {
  MessageBuilder builder(type_of(message), flags);
  nfgenmsg header{};
  header.nfgen_family = AF_INET;
  header.version = NFNETLINK_V0;
  builder.header(header);
  return builder;
}

ConntrackTuple read_tuple(const Attributes& tuple) {
  const Attributes ip = tuple.nested(CTA_TUPLE_IP);
  const Attributes proto = tuple.nested(CTA_TUPLE_PROTO);
  return {.source = ip.ip(CTA_IP_V4_SRC).value_or(Ipv4()),
          .destination = ip.ip(CTA_IP_V4_DST).value_or(Ipv4()),
          .source_port = ntohs(proto.get<uint16_t>(CTA_PROTO_SRC_PORT).value_or(0)),
          .destination_port = ntohs(proto.get<uint16_t>(CTA_PROTO_DST_PORT).value_or(0))};
}

// The delete request for a dumped entry: its own tuple, zone and id, so that it names this entry
// and not a younger one with the same addresses.
Result<MessageBytes> build_delete(const nlmsghdr& entry) {
  const auto attributes = Attributes::of_message(entry, sizeof(nfgenmsg));
  MessageBuilder builder = request(IPCTNL_MSG_CT_DELETE, NLM_F_ACK);
  for (int type : {CTA_TUPLE_ORIG, CTA_ZONE, CTA_ID}) {
    if (!attributes.has(type)) continue;
    const int nested = type == CTA_TUPLE_ORIG ? NLA_F_NESTED : 0;
    builder.put(type | nested, attributes.data(type), attributes.length(type));
  }
  return builder.finish();
}

// Calls `visit(header, entry)` for every entry of the table.
template <typename Visit>
Result<void> visit_entries(NetlinkSocket& socket, Visit&& visit) {
  HOP_TRY(MessageBytes message, request(IPCTNL_MSG_CT_GET, NLM_F_DUMP).finish());
  auto dumped = socket.dump(message, [&](std::span<const std::byte> datagram) {
    for_each_message(datagram, [&](const nlmsghdr& header) {
      if (header.nlmsg_type != type_of(IPCTNL_MSG_CT_NEW)) return;
      if (auto entry = parse_conntrack(header)) visit(header, *entry);
    });
  });
  // A table that changes while it is listed is the ordinary case, and missing a flow that began
  // meanwhile does no harm.
  if (!dumped && dumped.error().code() == ErrorCode::conflict) return {};
  return std::move(dumped).context("listing tracked connections");
}

}  // namespace

bool ConntrackFilter::matches(const ConntrackEntry& entry) const {
  const ConntrackTuple& original = entry.original;
  const ConntrackTuple& reply = entry.reply;
  if (protocol && *protocol != entry.protocol) return false;
  if (original_destination && *original_destination != original.destination) return false;
  if (original_destination_port && *original_destination_port != original.destination_port) {
    return false;
  }
  if (reply_source && *reply_source != reply.source) return false;
  if (reply_source_port && *reply_source_port != reply.source_port) return false;
  return !any_address || *any_address == original.source || *any_address == original.destination ||
         *any_address == reply.source || *any_address == reply.destination;
}

std::optional<ConntrackEntry> parse_conntrack(const nlmsghdr& message) {
  const auto header = fixed_part<nfgenmsg>(message);
  if (!header || header->nfgen_family != AF_INET) return std::nullopt;
  const auto attributes = Attributes::of_message(message, sizeof *header);
  const Attributes original = attributes.nested(CTA_TUPLE_ORIG);
  ConntrackEntry entry;
  entry.protocol = original.nested(CTA_TUPLE_PROTO).get<uint8_t>(CTA_PROTO_NUM).value_or(0);
  entry.original = read_tuple(original);
  entry.reply = read_tuple(attributes.nested(CTA_TUPLE_REPLY));
  entry.mark = ntohl(attributes.get<uint32_t>(CTA_MARK).value_or(0));
  const uint32_t status = ntohl(attributes.get<uint32_t>(CTA_STATUS).value_or(0));
  entry.reply_seen = (status & IPS_SEEN_REPLY) != 0;
  entry.source_translated = (status & IPS_SRC_NAT) != 0;
  entry.destination_translated = (status & IPS_DST_NAT) != 0;
  return entry;
}

Result<std::vector<ConntrackEntry>> dump_conntrack(NetlinkSocket& socket) {
  std::vector<ConntrackEntry> out;
  HOP_CHECK(visit_entries(
      socket, [&](const nlmsghdr&, const ConntrackEntry& entry) { out.push_back(entry); }));
  return out;
}

Result<size_t> delete_conntrack(NetlinkSocket& socket,
                                const std::vector<ConntrackFilter>& filters) {
  std::vector<MessageBytes> batches;
  size_t in_last = max_messages;
  HOP_CHECK(visit_entries(socket, [&](const nlmsghdr& header, const ConntrackEntry& entry) {
    if (std::none_of(filters.begin(), filters.end(),
                     [&](const ConntrackFilter& filter) { return filter.matches(entry); })) {
      return;
    }
    auto message = build_delete(header);
    if (!message) return;
    if (in_last == max_messages) {
      batches.emplace_back();
      in_last = 0;
    }
    batches.back().insert(batches.back().end(), message->begin(), message->end());
    ++in_last;
  }));
  size_t deleted = 0;
  for (MessageBytes& batch : batches) {
    HOP_TRY(auto acks, socket.transact(batch).context("deleting tracked connections"));
    for (const NetlinkAck& ack : acks) {
      if (ack.sys_errno == 0) {
        ++deleted;
      } else if (ack.sys_errno != ENOENT) {
        return Error::from_errno(ack.sys_errno, "deleting a tracked connection");
      }
    }
  }
  return deleted;
}

}  // namespace hoplab
