#include "runtime/base/thread.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <stdexcept>

#include "runtime/base/fd.h"

namespace hoplab {
namespace {

/// A log that lands in a pipe.
struct LogPipe {
  LogPipe() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe(ends.data()), 0);
    read_end = Fd(ends[0]);
    write_end = Fd(ends[1]);
  }
  [[nodiscard]] Log log() const { return Log("test", write_end.get()); }
  std::string text() {
    write_end.reset();
    std::string out;
    std::array<char, 512> block;
    for (ssize_t n; (n = ::read(read_end.get(), block.data(), block.size())) > 0;) {
      out.append(block.data(), static_cast<size_t>(n));
    }
    return out;
  }
  Fd read_end, write_end;
};

TEST(Thread, BearsItsNameAsFarAsTheKernelKeepsIt) {
  std::array<char, 16> name{};
  start_thread("a-name-longer-than-the-bound", end_process, [&] {
    ::pthread_getname_np(::pthread_self(), name.data(), name.size());
  }).join();
  EXPECT_STREQ(name.data(), "a-name-longer-t");
}

TEST(Thread, AThrownExceptionIsLoggedAndOnlyTheThreadEnds) {
  LogPipe pipe;
  start_thread(
      "relay", end_thread, [] { throw std::runtime_error("no such key"); }, pipe.log())
      .join();
  EXPECT_NE(pipe.text().find("ERROR test: thread relay failed: no such key\n"), std::string::npos);
}

TEST(Thread, WhatIsNoStdExceptionIsLoggedToo) {
  LogPipe pipe;
  start_thread(
      "relay", end_thread, [] { throw 7; }, pipe.log())
      .join();
  EXPECT_NE(pipe.text().find("thread relay failed: an exception of unknown type\n"),
            std::string::npos);
}

TEST(Thread, WhatFollowsIsCalledAfterAThrowOnly) {
  LogPipe pipe;
  std::atomic<int> called = 0;
  start_thread(
      "quiet", [&] { ++called; }, [] {}, pipe.log())
      .join();
  EXPECT_EQ(called, 0);
  start_thread(
      "loud", [&] { ++called; }, [] { throw std::runtime_error("x"); }, pipe.log())
      .join();
  EXPECT_EQ(called, 1);
}

TEST(Thread, TheStopRequestReachesTheBody) {
  std::atomic<bool> seen = false;
  auto thread = start_thread("waiting", end_process, [&](const std::stop_token& stop) {
    while (!stop.stop_requested()) std::this_thread::yield();
    seen = true;
  });
  thread.request_stop();
  thread.join();
  EXPECT_TRUE(seen);
}

TEST(ThreadDeathTest, ALoopThatTheProcessNeedsEndsItAfterAClearLine) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      start_thread("informer", end_process, [] { throw std::runtime_error("bad object"); }).join(),
      testing::ExitedWithCode(1), "thread informer failed: bad object");
}

}  // namespace
}  // namespace hoplab
