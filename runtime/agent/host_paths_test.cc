#include "runtime/agent/host_paths.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "runtime/base/fd.h"

namespace hoplab::agent {
namespace {

using Access = HostPaths::Access;

TEST(HostPaths, AMachinesOwnNodeHasAllOfIt) {
  for (auto path : {"/", "/home/me", "/no/such"}) {
    EXPECT_EQ(HostPaths().access(path), Access::write) << path;
  }
}

TEST(HostPaths, ALabsPodsWriteOnlyWhereTheLabDoes) {
  const HostPaths paths({"/run", "/etc"});
  for (auto path : {"/run", "/run/new/folder", "/etc/passwd", "/etc/../run"}) {
    EXPECT_EQ(paths.access(path), Access::write) << path;
  }
  for (auto path : {"/usr", "/usr/bin/env", "/proc/1", "/sys/new"}) {
    EXPECT_EQ(paths.access(path), Access::read) << path;
  }
  for (auto path : {"/", "/home", "/home/me", "/root/.ssh", "/dev/sda", "/runner", "/etcetera",
                    "/run/../root", "/data"}) {
    EXPECT_EQ(paths.access(path), Access::none) << path;
  }
}

TEST(HostPaths, LinksCountAsWhereTheyLead) {
  const std::string own = std::filesystem::canonical(testing::TempDir()).string() +
                          "/hoplab_host_paths." + std::to_string(getpid());
  std::filesystem::create_directories(own);
  std::filesystem::create_directory_symlink("/root", own + "/out");
  EXPECT_EQ(HostPaths({own}).access(own + "/in"), Access::write);
  EXPECT_EQ(HostPaths({own}).access(own + "/out/.ssh"), Access::none);
  EXPECT_FALSE(HostPaths({own}).resolve(own + "/out"));
  EXPECT_EQ(*HostPaths({own}).resolve(own + "/./in"), own + "/in");
  std::filesystem::remove_all(own);
}

TEST(HostPaths, ARefusalNamesWhatWorks) {
  EXPECT_EQ(HostPaths({"/run", "/etc"}).refusal("/data").message(),
            "hostPath /data belongs to the computer that this lab runs on: use a path below one of "
            "the node's own folders (/run, /etc) or an emptyDir");
}

}  // namespace
}  // namespace hoplab::agent
