#include <gtest/gtest.h>

#include "cmd/box_table.h"
#include "cmd/calicoctl_ipam.h"

namespace hoplab::cmd::calicoctl {
namespace {

plan::AddressBlock block(const std::string& cidr, const std::string& node) {
  plan::AddressBlock out;
  out.cidr = *Prefix::parse(cidr);
  out.node = node;
  out.allocations.resize(256);
  return out;
}

void assign(plan::AddressBlock& block, uint32_t ordinal, const std::string& pod,
            const std::string& node) {
  block.allocations[ordinal] = static_cast<uint32_t>(block.attributes.size());
  block.attributes.push_back(
      {"k8s-pod-network." + pod, {{"namespace", "default"}, {"node", node}, {"pod", pod}}});
}

const std::vector<plan::AddressPool> pools{{"default", *Prefix::parse("172.16.0.0/16"), 24}};

std::vector<plan::AddressBlock> two_blocks() {
  auto first = block("172.16.158.0/24", "k8s-w1");
  assign(first, 1, "web", "k8s-w1");
  assign(first, 2, "far", "k8s-w2");
  auto second = block("172.16.184.0/24", "k8s-w2");
  assign(second, 7, "db", "k8s-w2");
  return {first, second};
}

TEST(CalicoctlIpam, ShowsPoolsAndBlocksInABox) {
  EXPECT_EQ(ipam_table(pools, two_blocks(), true),
            "+----------+-----------------+-----------+------------+--------------+\n"
            "| GROUPING |      CIDR       | IPS TOTAL | IPS IN USE |   IPS FREE   |\n"
            "+----------+-----------------+-----------+------------+--------------+\n"
            "| IP Pool  | 172.16.0.0/16   |     65536 | 3 (0%)     | 65533 (100%) |\n"
            "| Block    | 172.16.158.0/24 |       256 | 2 (1%)     | 254 (99%)    |\n"
            "| Block    | 172.16.184.0/24 |       256 | 1 (0%)     | 255 (100%)   |\n"
            "+----------+-----------------+-----------+------------+--------------+\n");
  EXPECT_EQ(ipam_table(pools, two_blocks(), false).find("Block"), std::string::npos);
}

TEST(CalicoctlIpam, KnowsWhoBorrowsAndWhoHasAnAddress) {
  EXPECT_NE(borrowed_table(two_blocks())
                .find("| 172.16.158.2 | k8s-w2         | 172.16.158.0/24 | k8s-w1      | pod  | "
                      "default/far  |"),
            std::string::npos)
      << borrowed_table(two_blocks());
  EXPECT_EQ(address_text(Ipv4(172, 16, 158, 1), two_blocks()),
            "IP 172.16.158.1 is in use\nAttributes:\n  namespace: default\n  node: k8s-w1\n"
            "  pod: web\n");
  EXPECT_EQ(address_text(Ipv4(172, 16, 158, 9), two_blocks()), "172.16.158.9 is not assigned\n");
}

TEST(CalicoctlIpam, ChecksWhatIsUsedAgainstWhatIsRecorded) {
  AddressUsers users{{"k8s-m", "k8s-w1", "k8s-w2"},
                     {Ipv4(172, 16, 184, 7)},
                     {Ipv4(172, 16, 158, 1), Ipv4(172, 16, 158, 50), Ipv4(10, 0, 0, 1)}};
  std::string report = ipam_report(pools, two_blocks(), users);
  for (const char* line :
       {"Found 2 IPAM blocks.\n IPAM block 172.16.158.0/24 affinity=host:k8s-w1:\n",
        "IPAM blocks record 3 allocations.\n", "  172.16.0.0/16\nFound 1 active IP pools.\n",
        "Found 1 node tunnel IPs.\n",
        "Found 3 workload IPs.\nWorkloads and nodes are using 4 IPs.\n",
        "  k8s-w2 has 2 allocations\n  k8s-w1 has 1 allocations\n  k8s-m has 0 allocations\n",
        "Node with most allocations has 2; median is 1\n",
        "Found 1 IPs that are allocated in IPAM but not actually in use.\n",
        "Found 1 in-use IPs that are not in active IP pools.\n",
        "Found 1 in-use IPs that are in active IP pools but have no corresponding IPAM ",
        "Check complete; found 3 problems.\n"}) {
    EXPECT_NE(report.find(line), std::string::npos) << line << "\n" << report;
  }
}

}  // namespace
}  // namespace hoplab::cmd::calicoctl
