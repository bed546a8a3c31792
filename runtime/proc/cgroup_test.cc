#include "runtime/proc/cgroup.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "runtime/base/text.h"

namespace hoplab::proc {
namespace {

bool exists(const ContainerCgroup& cgroup) {
  return std::filesystem::exists(cgroup.directories.front());
}

TEST(ClusterCgroups, AreRemovedByTheClustersNameAlone) {
  const std::string cluster = str("test-", ::getpid());
  const std::string scratch = ::testing::TempDir() + "hoplab-cgroup-" + cluster;
  const std::string other = cluster + "-b";
  const ResourceSpec limits{.pids_limit = 10};
  auto own = CgroupControllers::find(cluster_cgroup_prefix(cluster) + "b-c", scratch);
  auto others = CgroupControllers::find(cluster_cgroup_prefix(other) + "c", scratch);
  const ContainerCgroup own_container = own.create("one", limits);
  const ContainerCgroup others_container = others.create("one", limits);
  if (own_container.directories.empty() || others_container.directories.empty()) {
    GTEST_SKIP() << "no cgroup may be made here";
  }
  ASSERT_TRUE(exists(own_container));
  remove_cluster_cgroups(cluster);
  EXPECT_FALSE(exists(own_container));
  EXPECT_TRUE(exists(others_container));
  remove_cluster_cgroups(other);
  EXPECT_FALSE(exists(others_container));
}

}  // namespace
}  // namespace hoplab::proc
