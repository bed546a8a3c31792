#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <set>
#include <thread>
#include <vector>

#include "runtime/base/text.h"
#include "store/registry_fixture.h"

namespace hoplab {
namespace {

/// Runs `work(worker)` on so many threads at once.
template <typename Work>
void together(int workers, const Work& work) {
  std::vector<std::thread> threads;
  threads.reserve(static_cast<size_t>(workers));
  for (int w = 0; w < workers; ++w) threads.emplace_back([&work, w] { work(w); });
  for (std::thread& thread : threads) thread.join();
}

TEST(RegistryStress, PatchesWinTheirRaces) {
  RegistryFixture cluster;
  cluster.make("ConfigMap", "default", config_map_json("m", "v"));
  together(8, [&](int worker) {
    for (int i = 0; i < 25; ++i) {
      const Json patch = {{"data", {{str("w", worker, "-", i), "x"}}}};
      auto done =
          cluster->patch(api::kind_of("ConfigMap"), "default", "m", PatchType::merge, patch);
      EXPECT_TRUE(done.ok()) << done.error().message();
    }
  });
  EXPECT_EQ(cluster.read("ConfigMap", "default", "m")["data"].size(), 201U);
}

TEST(RegistryStress, NoAddressIsGivenTwice) {
  RegistryFixture cluster;
  together(8, [&](int worker) {
    for (int i = 0; i < 20; ++i) {
      const std::string name = str("s", worker, "-", i);
      Json wanted = {
          {"metadata", {{"name", name}}},
          {"spec",
           {{"type", "NodePort"}, {"ports", Json::array({{{"port", 80}, {"protocol", "TCP"}}})}}}};
      EXPECT_TRUE(cluster->create(api::kind_of("Service"), "default", wanted).ok());
      if (i % 4 == 3) {
        EXPECT_TRUE(cluster->remove(api::kind_of("Service"), "default", name).ok());
      }
    }
  });
  std::set<Json> addresses, ports;
  const ObjectList services = cluster->list(api::kind_of("Service"), {}).value();
  for (const Json& service : services.items) {
    addresses.insert(service["spec"]["clusterIP"]);
    ports.insert(service["spec"]["ports"][0]["nodePort"]);
  }
  EXPECT_EQ(services.items.size(), 8U * 15);
  EXPECT_EQ(addresses.size(), services.items.size());
  EXPECT_EQ(ports.size(), services.items.size());
}

TEST(RegistryStress, NothingIsCreatedBehindADeletedNamespace) {
  RegistryFixture cluster;
  for (int round = 0; round < 10; ++round) {
    const std::string space = str("x", round);
    cluster.make("Namespace", "", {{"metadata", {{"name", space}}}});
    std::atomic<bool> deleted = false;
    size_t left = 0;
    together(4, [&](int worker) {
      if (worker == 0) {
        EXPECT_TRUE(cluster->remove(api::kind_of("Namespace"), "", space).ok());
        left = cluster.count("ConfigMap", space);
        deleted = true;
        return;
      }
      // Until the deletion is under way or over, and a few times after it.
      int after = 0;
      for (int i = 0; after < 3; ++i) {
        const bool late = deleted;
        if (late) ++after;
        auto made = cluster->create(api::kind_of("ConfigMap"), space,
                                    config_map_json(str("m", worker, "-", i), "v"));
        EXPECT_FALSE(late && made.ok()) << "created behind the deletion";
      }
    });
    EXPECT_EQ(cluster.count("ConfigMap", space), left);
  }
}

TEST(RegistryStress, AListAndAWatchFromItMissNothingAndRepeatNothing) {
  RegistryFixture cluster({}, {.ring = 8});  // Followers fall out of the ring all the time.
  const api::Kind& kind = api::kind_of("ConfigMap");
  constexpr int writers = 4;
  constexpr int rounds = 150;
  std::atomic<int64_t> end = INT64_MAX;
  const auto write = [&](int worker) {
    for (int i = 0; i < rounds; ++i) {
      const std::string name = str("m", worker, "-", i % 7);
      if (i % 3 == 2) {
        (void)cluster->remove(kind, "default", name);
      } else if (!cluster->create(kind, "default", config_map_json(name, "v")).ok()) {
        (void)cluster->patch(kind, "default", name, PatchType::merge,
                             {{"data", {{"k", std::to_string(i)}}}});
      }
    }
  };
  const auto follow = [&] {
    std::map<std::string, Json> seen;
    const ObjectList list = cluster->list(kind, {}).value();
    for (const Json& object : list.items) seen[api::key_of(object)] = object;
    auto watch = cluster->watch(kind, {}, list.revision).value();
    for (int64_t last = list.revision; last < end;) {
      auto event = watch->next(Millis(20)).value();
      if (!event) continue;
      EXPECT_GT(event->revision, last);
      last = event->revision;
      const std::string key = api::key_of(event->object);
      EXPECT_EQ(seen.contains(key), event->type != EventType::added) << key;
      if (event->type == EventType::deleted) {
        seen.erase(key);
      } else {
        seen[key] = std::move(event->object);
      }
    }
    std::map<std::string, Json> present;
    const ObjectList now = cluster->list(kind, {}).value();
    for (const Json& object : now.items) present[api::key_of(object)] = object;
    EXPECT_EQ(seen, present);
  };
  std::vector<std::thread> followers;
  for (int i = 0; i < 4; ++i) {
    followers.emplace_back(follow);
    together(writers, write);
  }
  cluster.make("ConfigMap", "default", config_map_json("last", "v"));
  end = cluster->revision();
  for (std::thread& follower : followers) follower.join();
}

}  // namespace
}  // namespace hoplab
