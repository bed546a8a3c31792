#include "runtime/agent/termination_message.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "runtime/base/fd.h"
#include "runtime/proc/log_format.h"

namespace hoplab::agent {
namespace {

class TerminationMessage : public testing::Test {
 protected:
  const std::string folder_ = testing::TempDir() + "hoplab_message." + std::to_string(getpid());
  const std::string file_ = folder_ + "/containers/c/0123abcd";
  const std::string log_ = folder_ + "/0.log";
  const Json fallback_ = {{"terminationMessagePolicy", "FallbackToLogsOnError"}};
  proc::ContainerSpec spec_;

  void SetUp() override {
    ASSERT_TRUE(offer_message_file(file_, {}, spec_));
    ASSERT_TRUE(write_file(
        log_,
        proc::format_log_entry({WallTime{}, proc::LogStream::standard_error, false, "no disk"})));
  }
  ~TerminationMessage() override { std::filesystem::remove_all(folder_); }
};

TEST_F(TerminationMessage, IsTheEndOfTheFile) {
  ASSERT_EQ(spec_.mounts.size(), 1U);
  EXPECT_EQ(spec_.mounts[0], (proc::Mount{file_, "/dev/termination-log", false, false}));
  EXPECT_EQ(read_termination_message(file_, fallback_, 0, log_), "");
  ASSERT_TRUE(write_file(file_, std::string(5000, 'x') + "end"));
  const std::string message = read_termination_message(file_, fallback_, 1, log_);
  EXPECT_EQ(message.size(), 4096U);
  EXPECT_TRUE(message.ends_with("xend"));
}

TEST_F(TerminationMessage, FallsBackToTheLogOnlyOnErrorAndWhenAsked) {
  EXPECT_EQ(read_termination_message(file_, fallback_, 1, log_), "no disk\n");
  EXPECT_EQ(read_termination_message(file_, {}, 1, log_), "");
  std::filesystem::remove(file_);
  std::filesystem::create_symlink("/etc/passwd", file_);
  EXPECT_EQ(read_termination_message(file_, {}, 1, log_), "") << "a link is not followed";
}

TEST_F(TerminationMessage, APrivilegedContainersDevIsLeftAlone) {
  proc::ContainerSpec privileged;
  privileged.security.privileged = true;
  ASSERT_TRUE(offer_message_file(file_, {}, privileged));
  EXPECT_TRUE(privileged.mounts.empty());
}

}  // namespace
}  // namespace hoplab::agent
