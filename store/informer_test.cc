#include "store/informer.h"

#include <gtest/gtest.h>

#include <atomic>

#include "runtime/base/text.h"
#include "store/registry_fixture.h"

namespace hoplab {
namespace {

using namespace std::chrono_literals;

Error server_away() {
  return {ErrorCode::unavailable, "connection refused"};
}

/// A registry behind a connection that can be cut.
class CutSource final : public Source {
 public:
  explicit CutSource(Source& source) : source_(source) {}

  Result<Json> get(const api::Kind& kind, const std::string& space,
                   const std::string& name) override {
    return source_.get(kind, space, name);
  }
  Result<ObjectList> list(const api::Kind& kind, const Selection& selection) override {
    ++lists;
    if (away) return server_away();
    auto list = source_.list(kind, selection);
    if (list.ok()) list->revision += ahead.exchange(0);
    return list;
  }
  Result<std::unique_ptr<Watch>> watch(const api::Kind& kind, const Selection& selection,
                                       int64_t revision) override {
    const int cuts_before = cuts;  // Before the count: who sees the count can cut this watch.
    ++watches;
    if (away) return server_away();
    if (forget.exchange(false)) return Error(ErrorCode::too_old, "compacted");
    HOP_TRY(auto inner, source_.watch(kind, selection, revision));
    return std::make_unique<CutWatch>(*this, std::move(inner), cuts_before);
  }
  Result<Json> create(const api::Kind&, const std::string&, Json, const WriteOptions&) override {
    return server_away();
  }
  Result<Json> update(const api::Kind&, const std::string&, const std::string&, Json, Subresource,
                      const WriteOptions&) override {
    return server_away();
  }
  Result<Json> patch(const api::Kind&, const std::string&, const std::string&, PatchType,
                     const Json&, Subresource, const WriteOptions&) override {
    return server_away();
  }
  Result<Deletion> remove(const api::Kind&, const std::string&, const std::string&,
                          const DeleteOptions&) override {
    return server_away();
  }

  std::atomic<bool> away = false;
  std::atomic<bool> forget = false;
  std::atomic<int64_t> ahead = 0;  ///< The next list is one of a store that was so much further.
  std::atomic<int> cuts = 0;       ///< Watches made before the last change of this end.
  std::atomic<int> lists = 0, watches = 0;

 private:
  class CutWatch final : public Watch {
   public:
    CutWatch(CutSource& owner, std::unique_ptr<Watch> inner, int cuts)
        : owner_(owner), inner_(std::move(inner)), cuts_(cuts) {}
    Result<std::optional<WatchEvent>> next(Millis timeout) override {
      const SteadyTime end = std::chrono::steady_clock::now() + timeout;
      while (std::chrono::steady_clock::now() < end) {
        if (owner_.cuts != cuts_) return server_away();
        auto event = inner_->next(2ms);
        if (!event || event->has_value()) return event;
      }
      return std::optional<WatchEvent>();
    }
    void stop() override { inner_->stop(); }

   private:
    CutSource& owner_;
    std::unique_ptr<Watch> inner_;
    const int cuts_;
  };

  Source& source_;
};

template <typename Condition>
bool eventually(const Condition& condition) {
  for (int i = 0; i < 2000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(5ms);
  }
  return false;
}

const Log quiet("test", 2, LogLevel::error);

TEST(Informer, FollowsAndTells) {
  RegistryFixture cluster;
  cluster.make("ConfigMap", "default", config_map_json("a", "1"));
  Mailbox<std::string> box;
  Informer maps(*cluster, api::kind_of("ConfigMap"), {}, quiet);
  std::atomic<int> added = 0, changed = 0, gone = 0;
  maps.deliver_to(box);
  maps.on_change([&](const Informer::Object& before, const Informer::Object& now) {
    ++(before == nullptr ? added : now == nullptr ? gone : changed);
  });
  maps.start();
  ASSERT_TRUE(maps.wait_synced(5s));
  EXPECT_EQ(box.take(0ms), "default/a");
  ASSERT_NE(maps.get("default/a"), nullptr);
  cluster.make("ConfigMap", "default", config_map_json("b", "1"));
  EXPECT_EQ(box.take(5s), "default/b");
  EXPECT_EQ(maps.list("default").size(), 2U);
  EXPECT_TRUE(maps.list("def").empty());
  ASSERT_TRUE(cluster
                  ->patch(api::kind_of("ConfigMap"), "default", "b", PatchType::merge,
                          {{"data", {{"k", "2"}}}})
                  .ok());
  EXPECT_EQ(box.take(5s), "default/b");
  ASSERT_TRUE(cluster->remove(api::kind_of("ConfigMap"), "default", "a").ok());
  EXPECT_EQ(box.take(5s), "default/a");
  EXPECT_EQ(maps.get("default/a"), nullptr);
  EXPECT_TRUE(eventually([&] { return gone == 1; }));
  EXPECT_EQ(added, 2);
  EXPECT_EQ(changed, 1);
  maps.stop();
  maps.stop();
}

TEST(Informer, StopsWhileItWaits) {
  RegistryFixture cluster;
  for (int i = 0; i < 20; ++i) {
    Informer pods(*cluster, api::kind_of("Pod"), {}, quiet);
    pods.start();
    if (i % 2 == 0) pods.wait_synced(5s);
  }
  Informer never_started(*cluster, api::kind_of("Pod"), {}, quiet);
}

TEST(Informer, ResumesAfterALostConnectionWithoutListing) {
  RegistryFixture cluster;
  CutSource source(*cluster);
  Informer maps(source, api::kind_of("ConfigMap"), {}, quiet);
  maps.start();
  ASSERT_TRUE(maps.wait_synced(5s));
  ASSERT_TRUE(eventually([&] { return source.watches == 1; }));
  source.away = true;
  ++source.cuts;
  // Only once the informer has failed to come back is it certain that it cannot see the change.
  ASSERT_TRUE(eventually([&] { return source.watches > 1; }));
  cluster.make("ConfigMap", "default", config_map_json("a", "1"));
  EXPECT_EQ(maps.get("default/a"), nullptr);
  source.away = false;
  EXPECT_TRUE(eventually([&] { return maps.get("default/a") != nullptr; }));
  EXPECT_EQ(source.lists, 1);
}

TEST(Informer, ListsAgainWhenTheWatchIsTooOldAndTellsTheDifference) {
  RegistryFixture cluster;
  CutSource source(*cluster);
  cluster.make("ConfigMap", "default", config_map_json("stays", "1"));
  cluster.make("ConfigMap", "default", config_map_json("goes", "1"));
  cluster.make("ConfigMap", "default", config_map_json("changes", "1"));
  Informer maps(source, api::kind_of("ConfigMap"), {.namespace_name = "default"}, quiet);
  Mailbox<std::string> box;
  maps.deliver_to(box);
  maps.start();
  ASSERT_TRUE(maps.wait_synced(5s));
  while (box.take(0ms)) {
  }
  source.away = true;
  ++source.cuts;
  ASSERT_TRUE(cluster->remove(api::kind_of("ConfigMap"), "default", "goes").ok());
  ASSERT_TRUE(cluster
                  ->patch(api::kind_of("ConfigMap"), "default", "changes", PatchType::merge,
                          {{"data", {{"k", "2"}}}})
                  .ok());
  cluster.make("ConfigMap", "default", config_map_json("comes", "1"));
  source.forget = true;
  source.away = false;
  std::set<std::string> told;
  while (told.size() < 3) {
    auto key = box.take(5s);
    ASSERT_TRUE(key.has_value());
    told.insert(*key);
  }
  EXPECT_EQ(told, (std::set<std::string>{"default/goes", "default/changes", "default/comes"}));
  EXPECT_FALSE(box.take(20ms).has_value());
  EXPECT_EQ(source.lists, 2);
}

TEST(Informer, WaitsForAServerThatIsNotThereYet) {
  RegistryFixture cluster;
  CutSource source(*cluster);
  source.away = true;
  Informer pods(source, api::kind_of("Pod"), {}, quiet);
  pods.start();
  EXPECT_FALSE(pods.wait_synced(20ms));
  EXPECT_TRUE(eventually([&] { return source.lists >= 2; }));
  source.away = false;
  EXPECT_TRUE(pods.wait_synced(10s));
}

TEST(Informer, ListsAgainWhenTheStoreIsAnotherOneNow) {
  RegistryFixture cluster;
  CutSource source(*cluster);
  source.ahead = 1000;
  Informer maps(source, api::kind_of("ConfigMap"), {}, quiet);
  maps.start();
  ASSERT_TRUE(maps.wait_synced(5s));
  cluster.make("ConfigMap", "default", config_map_json("a", "1"));
  EXPECT_TRUE(eventually([&] { return maps.get("default/a") != nullptr; }));
  EXPECT_GE(source.lists, 2);
}

}  // namespace
}  // namespace hoplab
