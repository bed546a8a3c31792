#include "runtime/proc/container_types.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hoplab::proc {
namespace {

using ::testing::HasSubstr;

ContainerSpec full_container() {
  ContainerSpec spec;
  spec.id = "c1";
  spec.sandbox_id = "pod-1";
  spec.labels = {{"io.kubernetes.container.name", "web"}};
  spec.image = "docker.io/library/nginx:1.21";
  spec.command = {"nginx"};
  spec.args = {"-g", "daemon off;"};
  spec.env = {{"A", "1"}, {"A", "2"}};
  spec.working_dir = "/srv";
  spec.stdin_open = spec.tty = true;
  spec.mounts = {{"/tmp/x", "/data", true}};
  spec.security.add_capabilities = {"NET_ADMIN"};
  spec.security.run_as_user = 1000;
  spec.resources = {64 << 20, 250, 10};
  spec.log = {"/var/log/pods/x/0.log", 1000, 3};
  return spec;
}

TEST(ContainerTypes, ContainerSurvivesTheTripThroughJson) {
  ContainerStatus status;
  status.spec = full_container();
  status.state = ContainerState::exited;
  status.exit_code = 137;
  status.signal = 9;
  status.oom_killed = true;
  status.reason = "OOMKilled";
  status.notes = {"memory limit: none"};
  status.finished_at = 1'800'000'000'123'456'789;
  auto back = container_status_from_json(*parse_json(dump_json(to_json(status))));
  ASSERT_TRUE(back) << back.error().message();
  EXPECT_EQ(*back, status);
}

TEST(ContainerTypes, OtherValuesSurviveTheTripThroughJson) {
  SandboxStatus sandbox;
  sandbox.spec = {"pod-1", {{"a", "b"}},         "web-0", true, false, true, false,
                  true,    "nameserver 1.1.1.1", ""};
  sandbox.pid = 42;
  sandbox.ready = true;
  NodeContents contents{{sandbox}, {ContainerStatus{}}};
  auto back = node_contents_from_json(to_json(contents));
  ASSERT_TRUE(back) << back.error().message();
  EXPECT_EQ(*back, contents);

  ExecSpec exec{"c1", {"sh", "-c", "true"}, {{"X", ""}}, "/", true, true, 50, 132, true};
  EXPECT_EQ(*exec_spec_from_json(to_json(exec)), exec);
  ContainerEvent event{ContainerEventKind::exited, "pod-1", "c1", {}};
  EXPECT_EQ(*container_event_from_json(to_json(event)), event);
}

TEST(ContainerTypes, WrongTypesNameTheField) {
  Json json = to_json(full_container());
  json["mounts"][0]["target"] = 5;
  auto wrong = container_spec_from_json(json);
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().message(), "mounts[0].target: expected a string, got number");

  json = to_json(full_container());
  json["security"]["runAsUser"] = -1;
  EXPECT_THAT(container_spec_from_json(json).error().message(), HasSubstr("security.runAsUser"));
  json["security"]["runAsUser"] = 4294967296;
  EXPECT_THAT(container_spec_from_json(json).error().message(), HasSubstr("security.runAsUser"));
  EXPECT_FALSE(container_spec_from_json(Json::array()));
  EXPECT_THAT(container_event_from_json({{"kind", "melted"}}).error().message(), HasSubstr("kind"));
}

TEST(ContainerTypes, HostileSpecsAreRefused) {
  auto refused = [](auto change) {
    ContainerSpec spec = full_container();
    change(spec);
    auto result = validate(spec);
    return result ? std::string("accepted") : result.error().message();
  };
  EXPECT_EQ(refused([](ContainerSpec&) {}), "accepted");
  EXPECT_THAT(refused([](auto& s) { s.id = "../x"; }), HasSubstr("id: "));
  EXPECT_THAT(refused([](auto& s) { s.id = std::string(81, 'a'); }), HasSubstr("id: "));
  EXPECT_THAT(refused([](auto& s) { s.mounts[0].target = "/a/../../etc"; }),
              HasSubstr("mounts[0].target: must not contain"));
  EXPECT_THAT(refused([](auto& s) { s.mounts[0].target = "/./"; }), HasSubstr("root directory"));
  EXPECT_THAT(refused([](auto& s) { s.mounts[0].target = "//proc/sys"; }), HasSubstr("/proc"));
  EXPECT_THAT(refused([](auto& s) { s.mounts[0].source = "relative"; }), HasSubstr("absolute"));
  EXPECT_THAT(refused([](auto& s) { s.env[0].name = "A=B"; }), HasSubstr("env[0].name"));
  EXPECT_THAT(refused([](auto& s) { s.args[0] = std::string("a\0b", 3); }), HasSubstr("args[0]"));
  EXPECT_THAT(refused([](auto& s) { s.resources.pids_limit = -1; }), HasSubstr("pidsLimit"));
  EXPECT_THAT(refused([](auto& s) { s.log.path = "/x/../y"; }), HasSubstr("log.path"));
}

TEST(ContainerTypes, HostnamesAreBounded) {
  PodSandboxSpec spec;
  spec.id = "p";
  spec.hostname = std::string(63, 'h');
  EXPECT_TRUE(validate(spec));
  spec.hostname += 'h';
  EXPECT_FALSE(validate(spec));
}

}  // namespace
}  // namespace hoplab::proc
