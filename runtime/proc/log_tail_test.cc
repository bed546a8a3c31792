#include "runtime/proc/log_tail.h"

#include <gmock/gmock.h>

#include "runtime/base/test_dir.h"
#include "runtime/base/text.h"

namespace hoplab::proc {
namespace {

TEST(LogTail, KeepsTheLastLinesOfALogThatGrew) {
  TestDir folder;
  const std::string path = folder.file("log");
  auto log = open_fd(path, O_RDWR | O_CREAT | O_APPEND, 0600);
  auto other = open_fd(path, O_WRONLY | O_APPEND, 0600);
  ASSERT_TRUE(log && other);
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(write_all(log->get(), str("line ", i, "\n")));
  std::string whole = *read_file(path);
  ASSERT_TRUE(keep_log_tail(log->get(), static_cast<off_t>(whole.size()), 20));
  EXPECT_EQ(*read_file(path), whole) << "it is not too long yet";
  ASSERT_TRUE(keep_log_tail(log->get(), 100, 20));
  ASSERT_TRUE(write_all(other->get(), "another's\n"));
  EXPECT_EQ(*read_file(path), str("(older lines were removed: the log had ", whole.size(),
                                  " bytes)\nline 98\nline 99\nanother's\n"));
}

TEST(LogTail, LeavesTerminalsAndPipesAlone) {
  auto null = open_fd("/dev/null", O_RDWR);
  ASSERT_TRUE(null);
  EXPECT_TRUE(keep_log_tail(null->get(), 0, 0));
}

}  // namespace
}  // namespace hoplab::proc
