#include "runtime/netlink/traffic_messages.h"

#include <gtest/gtest.h>
#include <linux/gen_stats.h>
#include <linux/pkt_cls.h>
#include <linux/rtnetlink.h>

#include "runtime/netlink/builder.h"

namespace hoplab {
namespace {

std::string name_of(int32_t index) {
  return "if" + std::to_string(index);
}

const nlmsghdr& head(MessageBytes& bytes) {
  return *reinterpret_cast<nlmsghdr*>(bytes.data());
}

TEST(TrafficMessages, AFilterReadsBackAsItWasWritten) {
  for (const TrafficHook hook : {TrafficHook::ingress, TrafficHook::egress}) {
    const BpfFilter filter{
        .link = "if7", .hook = hook, .preference = 4, .handle = 9, .program = "ipip_encap"};
    auto bytes = build_filter_replace(filter, 7, 44).value();
    EXPECT_EQ(parse_bpf_filter(head(bytes), name_of), filter);
  }
}

TEST(TrafficMessages, TagAndIdAreTheKernels) {
  MessageBuilder builder(RTM_NEWTFILTER, 0);
  tcmsg header{};
  header.tcm_handle = 1;
  builder.header(header);
  builder.string(TCA_KIND, "bpf");
  builder.nested(TCA_OPTIONS, [&] {
    const uint64_t tag = 0x1122334455667788;
    builder.put(TCA_BPF_TAG, &tag, sizeof tag);
    builder.u32(TCA_BPF_ID, 5);
  });
  auto bytes = builder.finish().value();
  const auto filter = parse_bpf_filter(head(bytes), name_of);
  ASSERT_TRUE(filter);
  EXPECT_EQ(filter->tag, 0x1122334455667788U);
  EXPECT_EQ(filter->id, 5U);
}

TEST(TrafficMessages, OtherKindsAndListsAreNoFilters) {
  MessageBuilder other(RTM_NEWTFILTER, 0);
  tcmsg header{};
  header.tcm_handle = 1;
  other.header(header);
  other.string(TCA_KIND, "u32");
  auto bytes = other.finish().value();
  EXPECT_FALSE(parse_bpf_filter(head(bytes), name_of));
  MessageBuilder list(RTM_NEWTFILTER, 0);
  list.header(tcmsg{});
  list.string(TCA_KIND, "bpf");
  bytes = list.finish().value();
  EXPECT_FALSE(parse_bpf_filter(head(bytes), name_of));
}

TEST(TrafficMessages, AQdiscsDropsAreInItsQueueStatistics) {
  MessageBuilder builder(RTM_NEWQDISC, 0);
  tcmsg header{};
  header.tcm_ifindex = 3;
  builder.header(header);
  builder.string(TCA_KIND, "clsact");
  builder.nested(TCA_STATS2, [&] {
    gnet_stats_queue queue{};
    queue.drops = 12;
    builder.put(TCA_STATS_QUEUE, &queue, sizeof queue);
  });
  auto bytes = builder.finish().value();
  EXPECT_EQ(parse_qdisc(head(bytes), name_of),
            (Qdisc{.link = "if3", .kind = "clsact", .drops = 12}));
}

}  // namespace
}  // namespace hoplab
