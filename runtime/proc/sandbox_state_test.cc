#include "runtime/proc/sandbox_state.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "runtime/proc/namespaces.h"

namespace hoplab::proc {
namespace {

class ClusterFolderTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char path[] = "/tmp/hoplab-state-XXXXXX";
    ASSERT_NE(::mkdtemp(path), nullptr);
    base_ = path;
    runtime_ = base_ + "/runtime";
  }
  void TearDown() override { std::filesystem::remove_all(base_); }

  std::string base_;
  std::string runtime_;
};

SandboxState own_process() {
  SandboxState state;
  state.name = "one";
  state.pid = ::getpid();
  state.start_time = process_start_time(::getpid()).value_or(0);
  state.api_port = 6443;
  state.created = "2026-11-23T05:00:00Z";
  state.config = {{"name", "one"}};
  return state;
}

TEST_F(ClusterFolderTest, IsMadeForUsAloneAndRemovedWithItsParent) {
  auto folder = ClusterFolder::make(runtime_, "one");
  ASSERT_TRUE(folder) << folder.error().message();
  struct stat info {};
  ASSERT_EQ(::stat(folder->path().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0700U);
  ASSERT_TRUE(write_file(folder->file("sandbox.log"), "text"));
  EXPECT_EQ(cluster_names(runtime_), std::vector<std::string>{"one"});
  ASSERT_TRUE(folder->remove());
  EXPECT_FALSE(std::filesystem::exists(runtime_));
  auto again = ClusterFolder::find(runtime_, "one");
  ASSERT_TRUE(again);
  EXPECT_FALSE(*again);
}

TEST_F(ClusterFolderTest, OthersWaitForItAndSeeThatItWasRemoved) {
  auto first = ClusterFolder::make(runtime_, "one");
  ASSERT_TRUE(first);
  bool found = true;
  std::thread other([&] {
    auto second = ClusterFolder::find(runtime_, "one");
    found = second.ok() && second->has_value();
  });
  ASSERT_TRUE(first->remove());
  first = Error(ErrorCode::internal, "let go");
  other.join();
  EXPECT_FALSE(found);
}

TEST_F(ClusterFolderTest, RefusesAPlaceThatOthersCanWrite) {
  ASSERT_EQ(::mkdir(runtime_.c_str(), 0700), 0);
  ASSERT_EQ(::chmod(runtime_.c_str(), 0777), 0);
  auto folder = ClusterFolder::make(runtime_, "one");
  ASSERT_FALSE(folder);
  EXPECT_EQ(folder.error().code(), ErrorCode::forbidden);
}

TEST_F(ClusterFolderTest, KeepsItsState) {
  auto folder = ClusterFolder::make(runtime_, "one");
  ASSERT_TRUE(folder);
  EXPECT_EQ(folder->name(), "one");
  EXPECT_FALSE(folder->state());
  ASSERT_TRUE(folder->write_state(own_process()));
  auto state = folder->state();
  ASSERT_TRUE(state);
  EXPECT_EQ(to_json(*state), to_json(own_process()));
  EXPECT_TRUE(state->alive());
  ASSERT_TRUE(write_file(folder->file("state.json"), "{broken"));
  EXPECT_FALSE(folder->state());
  EXPECT_FALSE(read_sandbox_state(runtime_, "one"));
  EXPECT_EQ(read_sandbox_state(runtime_, "two").error().code(), ErrorCode::not_found);
}

TEST(SandboxStateTest, AnotherProcessWithThePidIsNotIt) {
  SandboxState state = own_process();
  ++state.start_time;
  EXPECT_FALSE(state.alive());
  // Ends nothing: we would not come to the next line.
  EXPECT_TRUE(end_sandbox(state));
}

TEST(ProcessStartTime, IsUnknownForNoProcess) {
  EXPECT_TRUE(process_start_time(::getpid()));
  EXPECT_FALSE(process_start_time(0x3fffffff));
}

}  // namespace
}  // namespace hoplab::proc
