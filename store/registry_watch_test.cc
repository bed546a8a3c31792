#include "store/registry_watch.h"

#include <gtest/gtest.h>

#include <thread>

#include "runtime/base/text.h"
#include "store/registry_fixture.h"

namespace hoplab {
namespace {

using namespace std::chrono_literals;

/// The next event as "ADDED name"; "-" when none comes.
std::string told(Watch& watch, Millis timeout = 0ms) {
  auto event = watch.next(timeout);
  if (!event) return std::string(to_string(event.error().code()));
  if (!event->has_value()) return "-";
  const std::string name = api::name_of((*event)->object);
  EXPECT_EQ(api::revision_of((*event)->object), (*event)->revision);
  switch ((*event)->type) {
    case EventType::added:
      return "ADDED " + name;
    case EventType::modified:
      return "MODIFIED " + name;
    case EventType::deleted:
      return "DELETED " + name;
    case EventType::bookmark:
      return "BOOKMARK";
  }
  return "?";
}

std::unique_ptr<Watch> watch(RegistryFixture& cluster, const char* kind, const Selection& selection,
                             int64_t revision = 0) {
  return cluster->watch(api::kind_of(kind), selection, revision).value();
}

void relabel(RegistryFixture& cluster, const std::string& name, const Json& labels) {
  ASSERT_TRUE(cluster
                  ->patch(api::kind_of("ConfigMap"), "default", name, PatchType::merge,
                          {{"metadata", {{"labels", labels}}}})
                  .ok());
}

TEST(RegistryWatch, ObjectsThatStartOrStopMatchingComeAndGo) {
  RegistryFixture cluster;
  cluster.make("ConfigMap", "default", config_map_json("a", "1"));
  auto blue = watch(cluster, "ConfigMap", {.label_selector = "color=blue"});
  EXPECT_EQ(told(*blue), "-");
  relabel(cluster, "a", {{"color", "blue"}});
  EXPECT_EQ(told(*blue), "ADDED a");
  relabel(cluster, "a", {{"size", "big"}});
  EXPECT_EQ(told(*blue), "MODIFIED a");
  relabel(cluster, "a", {{"color", "red"}});
  EXPECT_EQ(told(*blue), "DELETED a");
  relabel(cluster, "a", {{"size", nullptr}});
  EXPECT_EQ(told(*blue), "-");
}

TEST(RegistryWatch, StartsWithThePresentOrAfterARevision) {
  RegistryFixture cluster;
  const int64_t before = cluster->revision();
  cluster.make("ConfigMap", "default", config_map_json("a", "1"));
  cluster.make("ConfigMap", "default", config_map_json("b", "1"));
  auto all = watch(cluster, "ConfigMap", {.namespace_name = "default"});
  EXPECT_EQ(told(*all), "ADDED a");
  EXPECT_EQ(told(*all), "ADDED b");
  auto later = watch(cluster, "ConfigMap", {.namespace_name = "default"}, before + 1);
  EXPECT_EQ(told(*later), "ADDED b");
  EXPECT_EQ(told(*later), "-");
  ASSERT_TRUE(cluster->remove(api::kind_of("ConfigMap"), "default", "a").ok());
  EXPECT_EQ(told(*later), "DELETED a");
}

TEST(RegistryWatch, FieldSelectorsAndNamespaces) {
  RegistryFixture cluster;
  cluster.make("Namespace", "", {{"metadata", {{"name", "x"}}}});
  auto one =
      watch(cluster, "ConfigMap",
            {.namespace_name = "x", .label_selector = {}, .field_selector = "metadata.name=a"},
            cluster->revision());
  cluster.make("ConfigMap", "default", config_map_json("a", "1"));
  cluster.make("ConfigMap", "x", config_map_json("b", "1"));
  EXPECT_EQ(told(*one), "-");
  cluster.make("ConfigMap", "x", config_map_json("a", "1"));
  EXPECT_EQ(told(*one), "ADDED a");
  EXPECT_EQ(cluster->watch(api::kind_of("Pod"), {.label_selector = "a in"}, 0).error().code(),
            ErrorCode::bad_request);
}

TEST(RegistryWatch, BookmarksTellAQuietWatcherWhereTheStoreIs) {
  RegistryFixture cluster({.services = {}, .tokens = {}, .bookmark_interval = 20ms});
  auto quiet = watch(cluster, "Pod", {}, cluster->revision());
  EXPECT_EQ(told(*quiet, 50ms), "-");
  cluster.make("ConfigMap", "default", config_map_json("a", "1"));
  auto event = quiet->next(1s).value();
  ASSERT_TRUE(event.has_value());
  EXPECT_EQ(event->type, EventType::bookmark);
  EXPECT_EQ(event->revision, cluster->revision());
  EXPECT_EQ(event->object["kind"], "Pod");
  EXPECT_EQ(told(*quiet, 50ms), "-");
}

TEST(RegistryWatch, TooOldAndStop) {
  RegistryFixture cluster({}, {.ring = 4});
  auto old = watch(cluster, "ConfigMap", {}, 1);
  for (int i = 0; i < 20; ++i) {
    cluster.make("ConfigMap", "default", config_map_json(str("m", i), "1"));
  }
  ASSERT_TRUE(cluster.store->compact(cluster->revision()).ok());
  EXPECT_EQ(old->next(0ms).error().code(), ErrorCode::too_old);
  EXPECT_EQ(cluster->watch(api::kind_of("ConfigMap"), {}, 1).error().code(), ErrorCode::too_old);
  auto now = watch(cluster, "ConfigMap", {}, cluster->revision());
  std::thread stopper([&] { now->stop(); });
  EXPECT_EQ(now->next(1min).error().code(), ErrorCode::unavailable);
  stopper.join();
}

TEST(RegistryWatch, ARevisionThatIsNotThereYetIsRefused) {
  RegistryFixture cluster;
  const int64_t now = cluster->revision();
  auto ahead = cluster->watch(api::kind_of("ConfigMap"), {}, now + 1);
  ASSERT_FALSE(ahead.ok());
  EXPECT_EQ(ahead.error().code(), ErrorCode::too_old);
  EXPECT_EQ(ahead.error().message(),
            str("too large resource version: ", now + 1, ", current: ", now));
  EXPECT_TRUE(cluster->watch(api::kind_of("ConfigMap"), {}, now).ok());
}

}  // namespace
}  // namespace hoplab
