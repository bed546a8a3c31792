#include "runtime/proc/sandbox_find.h"

#include <gmock/gmock.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "runtime/base/test_dir.h"
#include "runtime/proc/namespaces.h"

namespace hoplab::proc {
namespace {

using ::testing::ElementsAre;

TEST(RuntimeFolders, AreAllPlacesOfTheSameUser) {
  EXPECT_THAT(possible_runtime_folders(0, "/run/user/0"), ElementsAre("/run/hoplab"));
  EXPECT_THAT(possible_runtime_folders(1000, "/run/user/1000"),
              ElementsAre("/run/user/1000/hoplab", "/tmp/hoplab-1000"));
  EXPECT_THAT(possible_runtime_folders(1000, nullptr),
              ElementsAre("/run/user/1000/hoplab", "/tmp/hoplab-1000"));
  EXPECT_THAT(possible_runtime_folders(1000, "/mine"),
              ElementsAre("/mine/hoplab", "/run/user/1000/hoplab", "/tmp/hoplab-1000"));
  EXPECT_EQ(runtime_folders().front(), runtime_folder());
}

TEST(RuntimeFolders, ALivingClusterIsFoundBeforeALeftOver) {
  TestDir place;
  const std::vector<std::string> runtimes{place.file("a"), place.file("b")};
  EXPECT_EQ(runtime_with(runtimes, "one"), std::nullopt);
  ASSERT_TRUE(ClusterFolder::make(runtimes[0], "one"));
  EXPECT_EQ(runtime_with(runtimes, "one"), runtimes[0]);
  auto folder = ClusterFolder::make(runtimes[1], "one");
  ASSERT_TRUE(folder);
  EXPECT_EQ(runtime_with(runtimes, "one"), runtimes[0]);
  SandboxState state;
  state.name = "one";
  state.pid = ::getpid();
  state.start_time = process_start_time(::getpid()).value_or(0);
  ASSERT_TRUE(folder->write_state(state));
  EXPECT_EQ(runtime_with(runtimes, "one"), runtimes[1]);
}

TEST(SandboxProcess, IsFoundByItsLog) {
  TestDir place;
  auto folder = ClusterFolder::make(place.file("runtime"), "one");
  ASSERT_TRUE(folder);
  EXPECT_FALSE(find_sandbox_process(*folder));
  auto log = open_fd(folder->file("sandbox.log"), O_WRONLY | O_CREAT | O_APPEND, 0600);
  ASSERT_TRUE(log);
  unsigned long flags = CLONE_NEWPID | (::geteuid() != 0 ? CLONE_NEWUSER : 0);
  Fd pidfd;
  auto pid = fork_into(flags, &pidfd);
  if (!pid) GTEST_SKIP() << "namespaces are closed here: " << pid.error().message();
  if (*pid == 0) {
    ::dup2(log->get(), 2);
    for (;;) ::pause();
  }
  std::optional<SandboxState> found;
  for (int i = 0; i < 1000 && !found; ++i) {
    found = find_sandbox_process(*folder);
    if (!found) ::usleep(10'000);
  }
  ASSERT_TRUE(found);
  EXPECT_EQ(found->pid, *pid);
  EXPECT_EQ(found->name, "one");
  EXPECT_TRUE(end_sandbox(*found));
  ::waitpid(*pid, nullptr, 0);
  EXPECT_FALSE(find_sandbox_process(*folder));
}

}  // namespace
}  // namespace hoplab::proc
