#include "runtime/netlink/conntrack.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <netinet/in.h>

#include <cstring>

#include "tests/kernel/sandbox_netns.h"

namespace hoplab {
namespace {

constexpr Ipv4 client(172, 16, 158, 3), service(10, 96, 0, 10), one(172, 16, 34, 5),
    two(172, 16, 184, 7);

// Writes IPCTNL_MSG_CT_NEW by hand: the product never makes entries.
class NewEntry {
 public:
  NewEntry() {
    nlmsghdr header{};
    header.nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW;
    header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL;
    put(&header, sizeof header);
    const nfgenmsg family{AF_INET, NFNETLINK_V0, 0};
    put(&family, sizeof family);
  }

  template <typename T>
  void attribute(int type, T value) {
    const nlattr header{NLA_HDRLEN + sizeof value, static_cast<uint16_t>(type)};
    put(&header, sizeof header);
    put(&value, sizeof value);
  }

  template <typename Inside>
  void nested(int type, Inside&& inside) {
    const size_t at = bytes_.size();
    const nlattr header{0, static_cast<uint16_t>(type | NLA_F_NESTED)};
    put(&header, sizeof header);
    inside();
    const auto length = static_cast<uint16_t>(bytes_.size() - at);
    std::memcpy(bytes_.data() + at, &length, sizeof length);
  }

  void tuple(int type, uint8_t protocol, const ConntrackTuple& tuple) {
    nested(type, [&] {
      nested(CTA_TUPLE_IP, [&] {
        attribute(CTA_IP_V4_SRC, tuple.source.network_order());
        attribute(CTA_IP_V4_DST, tuple.destination.network_order());
      });
      nested(CTA_TUPLE_PROTO, [&] {
        attribute(CTA_PROTO_NUM, protocol);
        attribute(CTA_PROTO_SRC_PORT, htons(tuple.source_port));
        attribute(CTA_PROTO_DST_PORT, htons(tuple.destination_port));
      });
    });
  }

  std::vector<std::byte> finish() {
    const auto length = static_cast<uint32_t>(bytes_.size());
    std::memcpy(bytes_.data(), &length, sizeof length);
    return bytes_;
  }

 private:
  void put(const void* data, size_t size) {
    const auto* from = static_cast<const std::byte*>(data);
    bytes_.insert(bytes_.end(), from, from + size);
    bytes_.resize(NLMSG_ALIGN(bytes_.size()));
  }
  std::vector<std::byte> bytes_;
};

class Conntrack : public test::SandboxNetns {
 protected:
  void SetUp() override {
    SandboxNetns::SetUp();
    if (IsSkipped()) return;
    auto opened = NetlinkSocket::open(NetlinkSocket::Family::netfilter);
    ASSERT_TRUE(opened) << opened.error().message();
    socket_.push_back(std::move(*opened));
    if (auto probe = dump_conntrack(socket()); !probe) {
      GTEST_SKIP() << "no conntrack netlink in this kernel: " << probe.error().message();
    }
  }

  NetlinkSocket& socket() { return socket_.front(); }

  // A UDP flow of the client to the service, which went to `endpoint`.
  void add_flow(uint16_t source_port, Ipv4 endpoint) {
    NewEntry entry;
    entry.tuple(CTA_TUPLE_ORIG, IPPROTO_UDP, {client, service, source_port, 53});
    entry.tuple(CTA_TUPLE_REPLY, IPPROTO_UDP, {endpoint, client, 5353, source_port});
    entry.attribute(CTA_TIMEOUT, htonl(100));
    entry.attribute(CTA_STATUS, htonl(IPS_CONFIRMED | IPS_DST_NAT_DONE | IPS_SRC_NAT_DONE));
    auto bytes = entry.finish();
    auto acks = socket().transact(bytes);
    ASSERT_TRUE(acks) << acks.error().message();
    ASSERT_EQ(acks->front().sys_errno, 0) << std::strerror(acks->front().sys_errno);
  }

  size_t count() {
    auto entries = dump_conntrack(socket());
    EXPECT_TRUE(entries) << entries.error().message();
    return entries ? entries->size() : 0;
  }

 private:
  std::vector<NetlinkSocket> socket_;
};

TEST_F(Conntrack, ReadsBothDirections) {
  add_flow(40000, one);
  auto entries = dump_conntrack(socket());
  ASSERT_TRUE(entries) << entries.error().message();
  ASSERT_EQ(entries->size(), 1U);
  const ConntrackEntry& entry = entries->front();
  EXPECT_EQ(entry.protocol, IPPROTO_UDP);
  EXPECT_EQ(entry.original, (ConntrackTuple{client, service, 40000, 53}));
  EXPECT_EQ(entry.reply, (ConntrackTuple{one, client, 5353, 40000}));
  EXPECT_FALSE(entry.reply_seen);
}

TEST_F(Conntrack, DeletesTheFlowsOfARemovedEndpoint) {
  for (uint16_t port = 40000; port < 40250; ++port) add_flow(port, port % 2 == 0 ? one : two);
  const ConntrackFilter gone{.protocol = IPPROTO_UDP,
                             .original_destination = service,
                             .original_destination_port = 53,
                             .reply_source = one};
  auto deleted = delete_conntrack(socket(), {gone});
  ASSERT_TRUE(deleted) << deleted.error().message();
  EXPECT_EQ(*deleted, 125U);
  auto left = dump_conntrack(socket());
  EXPECT_EQ(left->size(), 125U);
  for (const ConntrackEntry& entry : *left) EXPECT_EQ(entry.reply.source, two);
  EXPECT_EQ(*delete_conntrack(socket(), {gone}), 0U);
}

TEST_F(Conntrack, DeletesWhatAPodLeavesBehind) {
  add_flow(40000, one);
  add_flow(40001, two);
  EXPECT_EQ(*delete_conntrack(socket(), {{.any_address = Ipv4(9, 9, 9, 9)}}), 0U);
  EXPECT_EQ(*delete_conntrack(socket(), {{.any_address = two}}), 1U);
  EXPECT_EQ(count(), 1U);
  EXPECT_EQ(*delete_conntrack(socket(), {{.protocol = IPPROTO_TCP}}), 0U);
  EXPECT_EQ(*delete_conntrack(socket(), {{.any_address = one}, {.any_address = client}}), 1U);
  EXPECT_EQ(count(), 0U);
}

}  // namespace
}  // namespace hoplab
