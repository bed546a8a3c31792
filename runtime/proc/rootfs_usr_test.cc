#include "runtime/proc/rootfs_usr.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace hoplab::proc {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

std::vector<DirectoryEntry> machine(const std::string& path) {
  const std::map<std::string, std::vector<DirectoryEntry>> directories{
      {"/usr", {{"bin", true}, {"lib", true}, {"lib64", false}, {"share", true}}},
      {"/usr/share", {{"doc", true}, {"nginx", true}, {"readme", false}}},
      {"/usr/share/nginx", {{"html", true}, {"modules", true}}},
  };
  auto found = directories.find(path);
  return found == directories.end() ? std::vector<DirectoryEntry>{} : found->second;
}

TEST(UsrLayout, IsNotNeededWithoutTargetsThere) {
  EXPECT_FALSE(plan_usr({}, machine).needed());
  EXPECT_FALSE(plan_usr({"/etc/nginx", "/data", "/usrx/y", "/usr"}, machine).needed());
}

TEST(UsrLayout, MakesRoomOnTheWayToATarget) {
  UsrLayout layout = plan_usr({"/usr/share/nginx/html/index.html"}, machine);
  EXPECT_THAT(layout.directories,
              ElementsAre("/usr", "/usr/share", "/usr/share/nginx", "/usr/share/nginx/html"));
  EXPECT_THAT(layout.binds, ElementsAre("/usr/bin", "/usr/lib"));
  EXPECT_THAT(
      layout.links,
      ElementsAre(Pair("/usr/lib64", "/.usr/lib64"), Pair("/usr/share/doc", "/.usr/share/doc"),
                  Pair("/usr/share/readme", "/.usr/share/readme"),
                  Pair("/usr/share/nginx/modules", "/.usr/share/nginx/modules")));
}

TEST(UsrLayout, LeavesTheTargetItselfFree) {
  UsrLayout layout = plan_usr({"/usr//share/./doc"}, machine);
  EXPECT_THAT(layout.directories, ElementsAre("/usr", "/usr/share"));
  for (const auto& [path, target] : layout.links) EXPECT_NE(path, "/usr/share/doc");
}

TEST(UsrLayout, ATargetInsideAnotherBelongsThere) {
  UsrLayout layout = plan_usr({"/usr/share/a", "/usr/share/a/b/c"}, machine);
  EXPECT_THAT(layout.directories, ElementsAre("/usr", "/usr/share"));
}

TEST(UsrLayout, NewTopLevelDirectories) {
  UsrLayout layout = plan_usr({"/usr/src"}, machine);
  EXPECT_THAT(layout.directories, ElementsAre("/usr"));
  EXPECT_THAT(layout.binds, ElementsAre("/usr/bin", "/usr/lib", "/usr/share"));
}

}  // namespace
}  // namespace hoplab::proc
