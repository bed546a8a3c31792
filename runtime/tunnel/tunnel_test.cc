#include <gmock/gmock.h>

#include <cstdio>
#include <filesystem>

#include "runtime/base/fd.h"
#include "runtime/tunnel/next_hops.h"
#include "runtime/tunnel/stats.h"
#include "runtime/tunnel/variant.h"

namespace hoplab::tunnel {
namespace {

using testing::HasSubstr;

Route through(std::string_view destination, std::string_view gateway, const char* link = "tunl0") {
  Route route;
  route.destination = Prefix::parse(destination).value();
  route.gateway = Ipv4::parse(gateway).value();
  route.link = link;
  return route;
}

TEST(NextHops, TheLongestPrefixOfTheTunnelsRoutesWins) {
  NextHops hops;
  Route hole = through("172.16.7.0/24", "192.168.10.7");
  hole.type = RouteType::blackhole;
  hops.assign({through("172.16.1.0/24", "192.168.10.1"), through("172.16.1.9/32", "192.168.10.9"),
               through("172.16.2.0/24", "192.168.10.2", "eth0"), hole},
              "tunl0");
  EXPECT_EQ(hops.find(Ipv4(172, 16, 1, 8)), Ipv4(192, 168, 10, 1));
  EXPECT_EQ(hops.find(Ipv4(172, 16, 1, 9)), Ipv4(192, 168, 10, 9));
  EXPECT_EQ(hops.find(Ipv4(172, 16, 2, 1)), std::nullopt) << "another link";
  EXPECT_EQ(hops.find(Ipv4(172, 16, 7, 1)), std::nullopt) << "a blackhole";
  hops.assign({}, "tunl0");
  EXPECT_EQ(hops.find(Ipv4(172, 16, 1, 8)), std::nullopt);
}

TEST(Variant, TheKernelIsBestAndTheVethPairAlwaysWorks) {
  Probe found{.kernel_ipip = true, .bpf = true, .dev_net_tun = true};
  EXPECT_EQ(choose(found).variant, Variant::kernel);
  EXPECT_EQ(choose(found).repair, "");
  EXPECT_EQ(choose(found, Variant::veth).variant, Variant::kernel) << "tunl0 is there already";
  found.kernel_ipip = false;
  EXPECT_EQ(choose(found).variant, Variant::bpf);
  EXPECT_THAT(choose(found).message, HasSubstr("ipip module is not loaded"));
  EXPECT_EQ(choose(found, Variant::tun).variant, Variant::tun);
  EXPECT_THAT(choose(found, Variant::tun).message, HasSubstr("asked for"));
  found.bpf = false;
  found.bpf_problem = "load the eBPF program x: Operation not permitted (EPERM)";
  EXPECT_EQ(choose(found).variant, Variant::tun);
  EXPECT_THAT(choose(found).message, HasSubstr("EPERM")) << "why nothing better";
  found.dev_net_tun = false;
  found.dev_net_tun_problem = "opening /dev/net/tun: Permission denied (EACCES)";
  const Choice last = choose(found);
  EXPECT_EQ(last.variant, Variant::veth);
  EXPECT_THAT(last.message, HasSubstr("EPERM"));
  EXPECT_THAT(last.message, HasSubstr("Permission denied"));
  EXPECT_THAT(last.repair, HasSubstr("modprobe ipip"));
  EXPECT_TRUE(needs_neighbors(Variant::veth));
  EXPECT_FALSE(needs_neighbors(Variant::tun));
  EXPECT_FALSE(needs_neighbors(Variant::bpf));
}

TEST(Variant, SaysWhatIsMissingForOne) {
  const Probe nothing{.bpf_problem = "no BPF", .dev_net_tun_problem = "no TUN"};
  EXPECT_TRUE(can_use(Variant::veth, nothing));
  EXPECT_THAT(can_use(Variant::bpf, nothing).error().message(),
              testing::StartsWith("tunnel bpf: no BPF\n  repair: "));
  EXPECT_THAT(can_use(Variant::tun, nothing).error().message(),
              testing::AllOf(testing::StartsWith("tunnel tun: no TUN\n  repair: "),
                             HasSubstr("--tunnel veth")));
  EXPECT_TRUE(can_use(Variant::bpf, {.bpf = true}));
}

TEST(Variant, OnlyThreeCanBeAskedFor) {
  for (const char* name : {"bpf", "tun", "veth"}) EXPECT_TRUE(check_wish(name)) << name;
  for (const char* name : {"kernel", "auto", "wrong", ""}) EXPECT_FALSE(check_wish(name)) << name;
}

TEST(Variant, NamesReadBack) {
  for (const Variant one : {Variant::kernel, Variant::bpf, Variant::tun, Variant::veth}) {
    EXPECT_EQ(parse_variant(to_string(one)), one);
  }
  EXPECT_EQ(parse_variant("auto"), std::nullopt);
  EXPECT_EQ(parse_variant(""), std::nullopt);
}

TEST(Stats, AReaderSeesTheWritersCountersAndARestartCountsOn) {
  const std::string path = testing::TempDir() + "hoplab-tunnel-test.stats";
  std::filesystem::remove(path);
  EXPECT_EQ(StatsFile::open(path).error().code(), ErrorCode::not_found);
  auto writer = StatsFile::create(path, Variant::veth).value();
  writer.counters().out_packets += 3;
  auto reader = StatsFile::open(path).value();
  EXPECT_EQ(reader.to_json()["out"]["packets"], 3);
  EXPECT_EQ(reader.to_json()["variant"], "veth");
  writer.counters().dropped_send += 1;
  EXPECT_EQ(reader.to_json()["dropped"]["send"], 1);
  auto again = StatsFile::create(path, Variant::tun).value();
  EXPECT_EQ(again.to_json()["out"]["packets"], 3);
  EXPECT_EQ(reader.variant(), Variant::tun);
  ASSERT_TRUE(write_file(path, "short"));
  EXPECT_EQ(StatsFile::open(path).error().code(), ErrorCode::bad_request);
  std::filesystem::remove(path);
  EXPECT_TRUE(StatsFile::create("", Variant::veth)) << "in memory only";
}

}  // namespace
}  // namespace hoplab::tunnel
