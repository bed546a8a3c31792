#include "runtime/observe/footprint.h"

#include <gmock/gmock.h>

#include <filesystem>

#include "runtime/base/fd.h"
#include "runtime/base/test_dir.h"
#include "runtime/base/text.h"
#include "runtime/observe/footprint_files.h"

namespace hoplab {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class FootprintFiles : public testing::Test {
 protected:
  void put(const std::string& path, const std::string& text) {
    const std::filesystem::path file = root_ + "/" + path;
    std::filesystem::create_directories(file.parent_path());
    ASSERT_TRUE(write_file(file.string(), text));
  }
  TestDir dir_;
  const std::string root_ = dir_.path();
};

TEST_F(FootprintFiles, EverySettingIsALineAtAnyDepth) {
  put("core/somaxconn", "4096\n");
  put("ipv6/conf/eth0/forwarding", "0\n");
  put("netfilter/nf_conntrack_max", "65536\n");
  EXPECT_THAT(sysctl_lines(root_),
              UnorderedElementsAre("sysctl " + root_ + "/core/somaxconn = 4096",
                                   "sysctl " + root_ + "/ipv6/conf/eth0/forwarding = 0",
                                   "sysctl " + root_ + "/netfilter/nf_conntrack_max = 65536"));
}

TEST_F(FootprintFiles, WhatChangesByItselfIsLeftOut) {
  put("netfilter/nf_conntrack_count", "17\n");
  put("ipv4/tcp_available_congestion_control", "reno cubic\n");
  put("ipv6/conf/eth0/mtu", "1500\n");
  EXPECT_THAT(sysctl_lines(root_), IsEmpty());
  put("ipv6/conf/eth0/other/mtu", "1500\n");
  EXPECT_THAT(sysctl_lines(root_), testing::SizeIs(1)) << "a star stands for one name";
}

TEST_F(FootprintFiles, OurCgroupsAreFoundAtAnyDepth) {
  put("memory/user/hoplab-k8s-k8s-w1/memory.max", "1");
  put("memory/other/hoplab-file", "1");
  EXPECT_THAT(cgroup_lines(root_),
              ElementsAre("cgroup " + root_ + "/memory/user/hoplab-k8s-k8s-w1"));
}

TEST(FootprintComparison, NamesWhatCameAndWhatWent) {
  const Footprint before{{"link a", "sysctl x = 1"}};
  const Footprint after{{"link b", "sysctl x = 2"}};
  EXPECT_THAT(compare(before, after),
              ElementsAre("- link a", "- sysctl x = 1", "+ link b", "+ sysctl x = 2"));
  EXPECT_THAT(compare(before, before), IsEmpty());
}

TEST(FootprintComparison, ASettingThatCameWithAModuleIsNoDifference) {
  const Footprint before{{"sysctl a/bc = 1"}};
  EXPECT_THAT(compare(before, {{"sysctl a/b = 1", "sysctl a/bc = 1"}}), IsEmpty());
  EXPECT_THAT(compare({}, {{"cgroup a"}}), ElementsAre("+ cgroup a"));
}

}  // namespace
}  // namespace hoplab
