#include "runtime/reconcile/work_queue.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace hoplab::reconcile {
namespace {

WorkItem item(const std::string& key) {
  return {.controller = 0, .key = key};
}

TEST(WorkQueue, AnItemWaitsOnceAndComesBackWhenItIsPutDuringItsWork) {
  WorkQueue queue;
  queue.put(item("a"));
  queue.put(item("a"));
  queue.put(item("b"));
  EXPECT_EQ(queue.take(), item("a"));
  queue.put(item("a"));  // Not to another worker while this one is at it.
  EXPECT_EQ(queue.take(), item("b"));
  queue.done(item("b"));
  EXPECT_FALSE(queue.idle());
  queue.done(item("a"));
  EXPECT_EQ(queue.take(), item("a"));
  queue.done(item("a"));
  EXPECT_TRUE(queue.idle());
}

TEST(WorkQueue, TheEarlierMomentCounts) {
  WorkQueue queue;
  const SteadyTime start = std::chrono::steady_clock::now();
  queue.put_after(item("a"), Millis(60'000));
  queue.put_after(item("a"), Millis(20));
  queue.put_after(item("a"), Millis(60'000));
  EXPECT_EQ(queue.take(), item("a"));
  const auto took = std::chrono::steady_clock::now() - start;
  EXPECT_GE(took, Millis(20));
  EXPECT_LT(took, Millis(10'000));
}

TEST(WorkQueue, PausesGrowAndSuccessForgetsThem) {
  WorkQueue queue;
  std::vector<int64_t> pauses;
  for (int i = 0; i < 4; ++i) {
    queue.put(item("a"));
    ASSERT_TRUE(queue.take());
    pauses.push_back(queue.failed(item("a")).count());
  }
  EXPECT_EQ(pauses, (std::vector<int64_t>{5, 10, 20, 40}));
  ASSERT_TRUE(queue.take());
  queue.done(item("a"));
  queue.put(item("a"));
  ASSERT_TRUE(queue.take());
  EXPECT_EQ(queue.failed(item("a")).count(), 5);
}

TEST(WorkQueue, CloseWakesEverybody) {
  WorkQueue queue;
  std::thread worker([&] { EXPECT_EQ(queue.take(), std::nullopt); });
  queue.close();
  worker.join();
  queue.put(item("late"));
  EXPECT_EQ(queue.take(), std::nullopt);
}

TEST(WorkQueue, NoKeyIsWorkedOnTwiceAtATime) {
  WorkQueue queue;
  std::atomic<int> inside[4] = {};
  std::atomic<int> worked = 0;
  std::vector<std::thread> workers;
  for (int w = 0; w < 4; ++w) {
    workers.emplace_back([&] {
      while (auto next = queue.take()) {
        std::atomic<int>& mine = inside[next->key[0] - 'a'];
        EXPECT_EQ(++mine, 1);
        ++worked;
        --mine;
        queue.done(*next);
      }
    });
  }
  for (int i = 0; i < 2000; ++i) queue.put(item(std::string(1, static_cast<char>('a' + i % 4))));
  while (!queue.idle()) std::this_thread::yield();
  queue.close();
  for (std::thread& worker : workers) worker.join();
  EXPECT_GE(worked, 4);
}

}  // namespace
}  // namespace hoplab::reconcile
