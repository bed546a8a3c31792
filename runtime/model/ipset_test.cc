#include "runtime/model/ipset.h"

#include <gmock/gmock.h>

namespace hoplab {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const Prefix pool{Ipv4(172, 16, 0, 0), 16};

std::vector<std::string> commands(const IpSet& desired, const std::optional<IpSet>& observed) {
  std::vector<std::string> out;
  for (const auto& operation : diff(desired, observed, "", "")) {
    out.push_back(to_command(operation));
  }
  return out;
}

TEST(IpSetDiff, MakesTheSetThatIsMissing) {
  IpSet set{.name = "cali40masq-ipam-pools", .members = {pool}};
  EXPECT_THAT(commands(set, std::nullopt),
              ElementsAre("ipset create cali40masq-ipam-pools hash:net family inet maxelem 1048576",
                          "ipset add cali40masq-ipam-pools 172.16.0.0/16"));
}

TEST(IpSetDiff, AddsBeforeItRemoves) {
  const Prefix host = Prefix::host(Ipv4(1, 2, 3, 4));
  IpSet desired{.name = "s", .members = {pool, {Ipv4(10, 0, 0, 9), 8}}};
  IpSet observed{.name = "s", .members = {host, pool}};
  EXPECT_THAT(commands(desired, observed),
              ElementsAre("ipset add s 10.0.0.0/8", "ipset del s 1.2.3.4"));
  EXPECT_THAT(commands(observed, observed), IsEmpty());
}

TEST(IpSetCommand, NamesTheNamespace) {
  EXPECT_EQ(to_command(IpSetOperation{
                .kind = IpSetOperation::Kind::destroy, .netns = "k8s-w1", .set = "s"}),
            "ip netns exec k8s-w1 ipset destroy s");
}

}  // namespace
}  // namespace hoplab
