#include "runtime/proc/node_init_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/proc/container_program.h"
#include "runtime/proc/node_init_config.h"

namespace hoplab::proc {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const NodeFacts node{
    "k8s-w1",    "nameserver 8.8.8.8\n", "/run/hoplab/bin/hoplab", "/run/hoplab/pause",
    128U << 20U, all_capabilities()};

TEST(ContainerPlan, TakesDefaultsFromImageAndPod) {
  PodSandboxSpec pod;
  pod.hostname = "web-0";
  ContainerSpec spec;
  spec.env = {{"PATH", "/mine"}};
  auto plan = plan_container(spec, pod, *resolve_image("nginx"), node);
  ASSERT_TRUE(plan);
  EXPECT_THAT(plan->program.command, ElementsAre("nginx", "-g", "daemon off;"));
  EXPECT_THAT(environment_block(plan->program.env),
              ElementsAre("PATH=/mine", "HOSTNAME=web-0", "NGINX_VERSION=1.21.6", "HOME=/root"));
  EXPECT_EQ(plan->root.hostname, "web-0");
  EXPECT_EQ(plan->root.resolv_conf, node.resolv_conf);
  EXPECT_EQ(plan->program.credentials.capabilities, default_capabilities());
}

TEST(ContainerPlan, HostNetworkPodsHaveTheNodesName) {
  PodSandboxSpec pod;
  pod.hostname = "ignored";
  pod.host_network = true;
  pod.resolv_conf = "nameserver 10.96.0.10\n";
  auto plan = plan_container({}, pod, *resolve_image("busybox"), node);
  EXPECT_EQ(plan->root.hostname, "k8s-w1");
  EXPECT_EQ(plan->root.resolv_conf, "nameserver 10.96.0.10\n");
}

TEST(ContainerPlan, SaysWhatTheNodeCannotGive) {
  NodeFacts poor = node;
  poor.available = default_capabilities();
  ContainerSpec spec;
  spec.security.add_capabilities = {"SYS_RESOURCE"};
  auto plan = plan_container(spec, {}, *resolve_image("busybox"), poor);
  EXPECT_THAT(plan->notes, ElementsAre(HasSubstr("SYS_RESOURCE")));
  spec.security.add_capabilities = {"FLY"};
  EXPECT_FALSE(plan_container(spec, {}, *resolve_image("busybox"), poor));
}

TEST(ContainerPlan, AnImagesUserLeavesThePodsGroupAlone) {
  Image image;
  image.user = "web";
  ContainerSpec spec;
  spec.security.run_as_group = 3000;
  auto plan = plan_container(spec, {}, image, node);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->program.user, (UserWish{"web", std::nullopt, 3000}));
  EXPECT_THAT(environment_block(plan->program.env), Not(testing::Contains(HasSubstr("HOME="))));
  spec.security.run_as_user = 1000;
  EXPECT_EQ(plan_container(spec, {}, image, node)->program.user, (UserWish{"web", 1000, 3000}));
}

TEST(ContainerPlan, WhatAContainerWritesHasALimit) {
  EXPECT_EQ(plan_container({}, {}, *resolve_image("busybox"), node)->root.writable_bytes,
            128U << 20U);
  EXPECT_EQ(writable_limit(5ULL << 30U), (5ULL << 30U) / 10);
  EXPECT_EQ(writable_limit(64ULL << 30U), 1ULL << 30U);
  EXPECT_EQ(writable_limit(100U << 20U), 64U << 20U);
}

TEST(ContainerPlan, ExecInheritsAndAdds) {
  ProgramPlan container;
  container.env = {{"A", "1"}};
  container.working_dir = "/srv";
  container.credentials.user = 1000;
  ExecSpec spec{"c", {"sh"}, {{"A", "2"}}, "", false, true, 10, 20};
  ProgramPlan plan = plan_exec(spec, container);
  EXPECT_THAT(environment_block(plan.env), ElementsAre("A=2", "TERM=xterm"));
  EXPECT_EQ(plan.working_dir, "/srv");
  EXPECT_EQ(plan.credentials.user, 1000U);
  EXPECT_EQ(plan.rows, 10);
}

TEST(NodeConfig, ReadsItsFile) {
  auto config = parse_node_config(*parse_json(
      R"({"host": "k8s-w1", "cluster": "two", "role": "worker",
          "services": [{"name": "agent", "argv": ["/x", "agent"], "env": {"A": "b"}}]})"));
  ASSERT_TRUE(config);
  EXPECT_EQ(config->cgroup_name(), "hoplab-two.k8s-w1");
  EXPECT_THAT(config->services, ElementsAre(ServiceSpec{"agent", {"/x", "agent"}, {{"A", "b"}}}));
}

TEST(NodeConfig, NodesOfTwoClustersNeverShareACgroup) {
  NodeConfig one, other;
  one.cluster = "a-b";
  one.host = "c";
  other.cluster = "a";
  other.host = "b-c";
  EXPECT_NE(one.cgroup_name(), other.cgroup_name());
  EXPECT_TRUE(one.cgroup_name().starts_with(cluster_cgroup_prefix("a-b")));
  EXPECT_FALSE(one.cgroup_name().starts_with(cluster_cgroup_prefix("a")));
}

TEST(NodeConfig, NamesWhatIsWrong) {
  auto message = [](const char* text) {
    auto config = parse_node_config(*parse_json(text));
    return config ? "accepted" : config.error().message();
  };
  EXPECT_THAT(message("{}"), HasSubstr("node.json: host"));
  EXPECT_THAT(message(R"({"host": "../x"})"), HasSubstr("host"));
  EXPECT_THAT(message(R"({"host": "a", "services": {}})"), HasSubstr("services: expected a list"));
  EXPECT_THAT(message(R"({"host": "a", "services": [{"name": "a/b", "argv": ["x"]}]})"),
              HasSubstr("services[0].name"));
  EXPECT_THAT(message(R"({"host": "a", "services": [{"name": "a", "argv": []}]})"),
              HasSubstr("services[0].argv"));
  EXPECT_THAT(
      message(R"({"host": "a", "services": [{"name": "a", "argv": ["x"], "env": {"k": 1}}]})"),
      HasSubstr("services[0].env.k"));
}

}  // namespace
}  // namespace hoplab::proc
