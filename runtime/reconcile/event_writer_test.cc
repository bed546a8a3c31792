#include "runtime/reconcile/event_writer.h"

#include <gtest/gtest.h>

#include "store/registry_fixture.h"

namespace hoplab::reconcile {
namespace {

TEST(EventWriter, AnObjectsEventsAreListedInTheOrderOfTimeAndTheSameNewsIsCounted) {
  RegistryFixture cluster;
  EventWriter writer(*cluster, cluster.clock, Millis(3'600'000));
  const Json pod = cluster.make("Pod", "default", pod_json("web"));
  for (const char* message : {"c", "b", "a", "d", "c"}) {
    writer.tell("kubelet", pod, "Normal", "Test", message);
  }
  ASSERT_TRUE(writer.reconcile("write").ok());
  std::string order;
  for (const SharedJson& event : cluster->all(api::kind_of("Event"), "default")) {
    order += string_or(*event, "message") + std::to_string(int_or(*event, "count"));
    EXPECT_TRUE(api::name_of(*event).starts_with("web."));
  }
  EXPECT_EQ(order, "c2b1a1d1");
  // One that is gone comes back as a new one.
  for (const SharedJson& event : cluster->all(api::kind_of("Event"), "default")) {
    ASSERT_TRUE(cluster->remove(api::kind_of("Event"), "default", api::name_of(*event)).ok());
  }
  writer.tell("kubelet", pod, "Normal", "Test", "c");
  ASSERT_TRUE(writer.reconcile("write").ok());
  ASSERT_EQ(cluster.count("Event", "default"), 1U);
  EXPECT_EQ(int_or(*cluster->all(api::kind_of("Event"), "default").at(0), "count"), 1);
}

}  // namespace
}  // namespace hoplab::reconcile
