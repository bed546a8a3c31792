#include "runtime/agent/pod_directory.h"

#include <gtest/gtest.h>

namespace hoplab::agent {
namespace {

PodRecord web(const char* uid) {
  Json object = *parse_json(
      R"({"metadata":{"name":"web","namespace":"shop","uid":"u"},
          "spec":{"initContainers":[{"name":"setup","image":"x"}],
                  "containers":[{"name":"main","image":"x","tty":true},
                                {"name":"side","image":"x"}]}})");
  object["metadata"]["uid"] = uid;
  return make_record(object);
}

TEST(PodDirectory, KnowsWhatTheWorkerLastSaid) {
  PodDirectory directory;
  EXPECT_EQ(directory.find_container("shop", "web", "").error().message(),
            "pod \"web\" is not on this node");
  PodRecord pod = web("u1");
  directory.publish(pod);
  EXPECT_EQ(directory.find_netns("shop", "web").error().message(), "pod \"web\" is not running");
  EXPECT_EQ(directory.find_container("shop", "web", "").error().message(),
            "container \"main\" in pod \"web\" is waiting to start: PodInitializing");
  EXPECT_EQ(directory.find_container("shop", "web", "none").error().message(),
            "container none is not valid for pod web");
  pod.netns_path = "/proc/7/ns/net";
  pod.find("main")->id = "abc";
  pod.find("main")->phase = ContainerPhase::running;
  pod.find("main")->restarts = 1;
  pod.find("side")->waiting_reason = "ImagePullBackOff";
  directory.publish(pod);
  EXPECT_EQ(*directory.find_netns("shop", "web"), "/proc/7/ns/net");
  auto main = directory.find_container("shop", "web", "");
  ASSERT_TRUE(main) << main.error().message();
  EXPECT_EQ(*main, (PodDirectory::ContainerHandle{"abc", "/var/log/pods/shop_web_u1/main/1.log",
                                                  "/var/log/pods/shop_web_u1/main/0.log", true,
                                                  true, false}));
  EXPECT_EQ(directory.find_container("shop", "web", "side").error().message(),
            "container \"side\" in pod \"web\" is waiting to start: trying and failing to pull "
            "image");
}

TEST(PodDirectory, ANewPodOfTheNameStays) {
  PodDirectory directory;
  PodRecord old = web("u1");
  PodRecord next = web("u2");
  directory.publish(old);
  directory.publish(next);
  directory.forget(old);
  EXPECT_EQ(directory.find_netns("shop", "web").error().code(), ErrorCode::unavailable);
  directory.forget(next);
  EXPECT_EQ(directory.find_netns("shop", "web").error().code(), ErrorCode::not_found);
}

}  // namespace
}  // namespace hoplab::agent
