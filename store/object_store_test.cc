#include "store/object_store.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "runtime/base/test_dir.h"
#include "runtime/base/text.h"

namespace hoplab {
namespace {

using namespace std::chrono_literals;

std::unique_ptr<ObjectStore> open_store(const std::string& path, StoreOptions options = {}) {
  auto store = ObjectStore::open(path, options);
  EXPECT_TRUE(store.ok()) << store.error().message();
  return std::move(store).value();
}

Json object(const std::string& name, int n) {
  return {{"metadata", {{"name", name}, {"resourceVersion", "stale"}}}, {"n", n}};
}

int64_t write(ObjectStore& store, const std::string& key, int n) {
  auto written = store.write({.key = key, .object = object(key, n), .expected = {}});
  EXPECT_TRUE(written.ok());
  return std::stoll((**written)["metadata"]["resourceVersion"].get<std::string>());
}

TEST(ObjectStore, ObjectsCarryTheirRevisionAlsoAfterAReopen) {
  TestDir dir;
  const std::string path = dir.file("store.db");
  {
    auto store = open_store(path);
    EXPECT_EQ(write(*store, "pods/a", 1), 1);
    EXPECT_EQ(write(*store, "pods/b", 1), 2);
    EXPECT_EQ(write(*store, "pods/a", 2), 3);
  }
  auto store = open_store(path);
  ASSERT_NE(store->get("pods/a"), nullptr);
  EXPECT_EQ((*store->get("pods/a"))["metadata"]["resourceVersion"], "3");
  EXPECT_EQ((*store->get("pods/a"))["n"], 2);
  const Snapshot now = store->list("pods/");
  EXPECT_EQ(now.revision, 3);
  EXPECT_EQ(now.objects.size(), 2U);
  const Snapshot then = store->list_at("pods/", 1).value();
  ASSERT_EQ(then.objects.size(), 1U);
  EXPECT_EQ((*then.objects[0])["n"], 1);
}

TEST(ObjectStore, WatchersSeeEveryChangeInOrderWithWhatWasBefore) {
  TestDir dir;
  auto store = open_store(dir.file("store.db"));
  auto watch = store->subscribe("pods/", store->revision());
  write(*store, "pods/a", 1);
  write(*store, "nodes/x", 1);
  write(*store, "pods/a", 2);
  ASSERT_TRUE(
      store->write({.key = "pods/a", .object = object("a", 2), .expected = 3, .remove = true})
          .ok());
  auto events = watch->take(1s).value();
  ASSERT_EQ(events.size(), 3U);
  EXPECT_EQ(events[0].previous, nullptr);
  EXPECT_EQ((*events[1].previous)["n"], 1);
  EXPECT_TRUE(events[2].deleted);
  EXPECT_EQ((*events[2].object)["metadata"]["resourceVersion"], "4");
  EXPECT_TRUE(watch->take(0ms).value().empty());
  EXPECT_EQ(watch->position(), 4);
}

TEST(ObjectStore, ASlowWatcherContinuesFromTheLog) {
  TestDir dir;
  auto store = open_store(dir.file("store.db"), {.ring = 8});
  auto slow = store->subscribe("pods/", 0);
  for (int i = 0; i < 600; ++i) write(*store, i % 2 == 0 ? "pods/a" : "nodes/a", i);
  int next = 0;
  while (next < 600) {
    auto events = slow->take(1s);
    ASSERT_TRUE(events.ok()) << events.error().message();
    ASSERT_FALSE(events->empty());
    for (const StoreEvent& event : *events) {
      EXPECT_EQ((*event.object)["n"], next);
      if (next > 0) {
        ASSERT_NE(event.previous, nullptr);
        EXPECT_EQ((*event.previous)["n"], next - 2);
      }
      next += 2;
    }
  }
}

TEST(ObjectStore, AWatcherThatTheLogNoLongerReachesIsTold) {
  TestDir dir;
  auto store = open_store(dir.file("store.db"), {.ring = 8});
  for (int i = 0; i < 50; ++i) write(*store, "pods/a", i);
  auto late = store->subscribe("pods/", 3);
  ASSERT_TRUE(store->compact(20).ok());
  EXPECT_EQ(late->take(1s).error().code(), ErrorCode::too_old);
}

TEST(ObjectStore, AQuietKindsWatcherKeepsItsPlace) {
  TestDir dir;
  auto store = open_store(dir.file("store.db"), {.ring = 8});
  auto quiet = store->subscribe("configmaps/", store->revision());
  for (int i = 0; i < 50; ++i) write(*store, "pods/a", i);
  ASSERT_TRUE(store->compact(50).ok());
  EXPECT_EQ(quiet->position(), 50);
  write(*store, "configmaps/x", 1);
  EXPECT_EQ(quiet->take(1s).value().size(), 1U);
}

TEST(ObjectStore, StopWakesAWaitingReader) {
  TestDir dir;
  auto store = open_store(dir.file("store.db"));
  auto watch = store->subscribe("pods/", 0);
  std::thread stopper([&] {
    std::this_thread::sleep_for(20ms);
    watch->stop();
  });
  EXPECT_EQ(watch->take(1min).error().code(), ErrorCode::unavailable);
  stopper.join();
  auto other = store->subscribe("pods/", 0);
  store.reset();
  EXPECT_EQ(other->take(1min).error().code(), ErrorCode::unavailable);
}

TEST(ObjectStore, HistoryIsCompactedAsItGrows) {
  TestDir dir;
  auto store = open_store(dir.file("store.db"), {.keep_history = 100});
  for (int i = 0; i < 2000; ++i) write(*store, "pods/a", i);
  EXPECT_GT(store->compacted(), 1000);
  EXPECT_LT(store->compacted(), 1901);
  EXPECT_TRUE(store->list_at("", 1950).ok());
}

TEST(ObjectStore, ManyWritersLoseNothingAndWatchersMissNothing) {
  constexpr int writers = 8, rounds = 100;
  TestDir dir;
  auto store = open_store(dir.file("store.db"), {.ring = 64});
  std::atomic<int> conflicts = 0;
  std::thread reader([&] {
    auto watch = store->subscribe("counters/", 0);
    int64_t last = 0;
    int value = 0;
    while (value < writers * rounds) {
      auto events = watch->take(10s);
      ASSERT_TRUE(events.ok()) << events.error().message();
      for (const StoreEvent& event : *events) {
        EXPECT_GT(event.revision, last);
        last = event.revision;
        EXPECT_EQ((*event.object)["n"], value + 1);  // Each step exactly once.
        value = (*event.object)["n"];
      }
    }
  });
  std::vector<std::thread> threads;
  threads.reserve(writers);
  for (int w = 0; w < writers; ++w) {
    threads.emplace_back([&] {
      for (int done = 0; done < rounds;) {
        const SharedJson now = store->get("counters/c");
        Json next = now ? *now : object("c", 0);
        const int64_t expected =
            now ? std::stoll(next["metadata"]["resourceVersion"].get<std::string>()) : 0;
        next["n"] = next["n"].get<int>() + 1;
        auto written = store->write({.key = "counters/c", .object = next, .expected = expected});
        written.ok() ? ++done : ++conflicts;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  reader.join();
  EXPECT_EQ((*store->get("counters/c"))["n"], writers * rounds);
}

TEST(ObjectStore, AFullDiskIsOneClearErrorAndReadsGoOn) {
  TestDir dir;
  auto store = open_store(dir.file("store.db"), {.log = {.max_bytes = 200L * 1024}});
  write(*store, "pods/a", 1);
  auto full = store->write(
      {.key = "pods/b", .object = {{"text", std::string(1 << 20, 'x')}}, .expected = 0});
  ASSERT_FALSE(full.ok());
  EXPECT_EQ(full.error().sys_errno(), ENOSPC);
  EXPECT_EQ(store->get("pods/b"), nullptr);
  EXPECT_EQ(store->list("").revision, 1);
  EXPECT_EQ(write(*store, "pods/a", 2), 2);
}

}  // namespace
}  // namespace hoplab
