#include "cmd/docker_options.h"

#include <gmock/gmock.h>

#include "cmd/docker_containers.h"
#include "cmd/docker_inspect.h"
#include "runtime/agent/container_spec.h"

namespace hoplab::cmd::docker {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Result<engine::ContainerConfig> read(const std::vector<std::string>& args) {
  auto flags = Flags::parse({container_flags().begin(), container_flags().end()}, args, true);
  if (!flags) return std::move(flags).error();
  return read_container_config(*flags);
}

TEST(DockerOptions, WhatFollowsTheImageIsTheCommand) {
  auto config = read({"-it", "--rm", "--name", "red", "alpine", "ls", "-l", "--", "-it"});
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_EQ(config->name, "red");
  EXPECT_EQ(config->image, "alpine");
  EXPECT_THAT(config->command, ElementsAre("ls", "-l", "--", "-it"));
  EXPECT_TRUE(config->tty && config->open_stdin && config->stdin_once && config->auto_remove);
}

TEST(DockerOptions, TheTalksCommandLine) {
  auto config = read({"-d", "--rm", "--name", "red", "nginx:latest"});
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_EQ(config->image, "nginx:latest");
  EXPECT_TRUE(config->command.empty());
  EXPECT_EQ(config->network, "bridge");
  EXPECT_THAT(read({"--entrypoint", "", "alpine", "ls", "-l"})->entrypoint, ElementsAre("ls"));
  EXPECT_EQ(read({"-v", "/run/a/../b/:/x/../y", "alpine"})->mounts[0].target, "/y");
}

TEST(DockerOptions, EverythingElse) {
  auto config = read({"-p",
                      "8080:80",
                      "-e",
                      "A=b=c",
                      "-v",
                      "/srv:/data:ro",
                      "-v",
                      "db:/var/lib",
                      "--network=lab",
                      "--ip",
                      "172.30.0.9",
                      "-h",
                      "box",
                      "-m",
                      "64m",
                      "--cpus",
                      "1.5",
                      "--pids-limit",
                      "20",
                      "--cap-add",
                      "NET_ADMIN",
                      "--cap-drop=ALL",
                      "--read-only",
                      "--entrypoint",
                      "sh",
                      "--privileged",
                      "-u",
                      "1000:1001",
                      "-w",
                      "/tmp",
                      "-l",
                      "tier=front",
                      "--restart",
                      "on-failure:3",
                      "alpine",
                      "-c",
                      "true"});
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_EQ(config->ports, (std::vector<engine::PublishedPort>{{Ipv4(), 8080, 80, 6}}));
  EXPECT_EQ(config->env, (std::vector<proc::EnvVar>{{"A", "b=c"}}));
  ASSERT_EQ(config->mounts.size(), 2U);
  EXPECT_EQ(config->mounts[0], (proc::Mount{"/srv", "/data", true, false}));
  EXPECT_EQ(config->mounts[1].source, "/run/hoplab/docker/volumes/db/_data");
  EXPECT_EQ(config->network, "lab");
  EXPECT_EQ(config->ip, Ipv4(172, 30, 0, 9));
  EXPECT_EQ(config->resources.memory_limit_bytes, 64 << 20);
  EXPECT_EQ(config->resources.cpu_limit_millis, 1500);
  EXPECT_EQ(config->resources.pids_limit, 20);
  EXPECT_THAT(config->security.add_capabilities, ElementsAre("NET_ADMIN"));
  EXPECT_TRUE(config->security.privileged && config->security.read_only_root);
  EXPECT_EQ(config->security.run_as_user, 1000U);
  EXPECT_EQ(config->security.run_as_group, 1001U);
  EXPECT_THAT(config->entrypoint, ElementsAre("sh"));
  EXPECT_THAT(config->command, ElementsAre("-c", "true"));
  EXPECT_EQ(config->labels, (proc::Labels{{"tier", "front"}}));
  EXPECT_EQ(config->restart, (engine::Restart{engine::RestartPolicy::on_failure, 3}));
}

TEST(DockerOptions, Ports) {
  EXPECT_EQ(*parse_port("80"), (std::vector<engine::PublishedPort>{{Ipv4(), 0, 80, 6}}));
  EXPECT_EQ(*parse_port("127.0.0.1:53:5353/udp"),
            (std::vector<engine::PublishedPort>{{Ipv4(127, 0, 0, 1), 53, 5353, 17}}));
  EXPECT_EQ(parse_port("8000-8002:80-82")->size(), 3U);
  for (const char* wrong : {"", "0", "x", "80:90:100:110", "8000-8001:80", "1.2.3:80:80",
                            "70000:80", "80/icmp", "9-8"}) {
    EXPECT_FALSE(parse_port(wrong)) << wrong;
  }
}

TEST(DockerOptions, SizesAndCpus) {
  EXPECT_EQ(*parse_bytes("1024"), 1024);
  EXPECT_EQ(*parse_bytes("1.5g"), int64_t{1536} << 20);
  EXPECT_EQ(*parse_bytes("64MiB"), 64 << 20);
  for (const char* wrong : {"", "m", "-1m", "1x", "1mm", "nan", "1e12t"}) {
    EXPECT_FALSE(parse_bytes(wrong)) << wrong;
  }
  EXPECT_EQ(*parse_cpus("0.5"), 500);
  for (const char* wrong : {"", "-1", "two", "nan"}) EXPECT_FALSE(parse_cpus(wrong)) << wrong;
}

TEST(DockerOptions, MistakesAreNamed) {
  const auto said = [](const std::vector<std::string>& args) {
    auto config = read(args);
    return config ? std::string("accepted") : config.error().message();
  };
  EXPECT_THAT(said({"--nope", "alpine"}), HasSubstr("unknown flag: --nope"));
  EXPECT_THAT(said({"-m", "1m", "alpine"}), HasSubstr("Minimum memory limit allowed is 6MB"));
  EXPECT_THAT(said({"-v", "./here:/x", "alpine"}), HasSubstr("absolute path"));
  EXPECT_THAT(said({"-v", "..:/x", "alpine"}), HasSubstr("Invalid volume name (..)"));
  EXPECT_THAT(said({"-v", "/here:x", "alpine"}), HasSubstr("mount path must be absolute"));
  EXPECT_THAT(said({"--rm", "--restart", "always", "alpine"}), HasSubstr("--restart and --rm"));
  EXPECT_THAT(said({"--ip", "300.1.1.1", "alpine"}), HasSubstr("invalid IPv4 address"));
  EXPECT_THAT(said({"-u", "web", "alpine"}), HasSubstr("only numbers"));
  EXPECT_THAT(said({"--add-host", "db", "alpine"}), HasSubstr("bad format for add-host"));
}

TEST(DockerContainers, PodsAppearUnderDockershimsNames) {
  proc::NodeContents contents;
  proc::SandboxStatus sandbox;
  sandbox.spec.id = "u-1";
  sandbox.spec.labels = {{agent::labels::pod_name, "web"},
                         {agent::labels::pod_namespace, "default"},
                         {agent::labels::pod_uid, "u"}};
  sandbox.ready = true;
  sandbox.pid = 7;
  proc::ContainerStatus container;
  container.spec.id = "u-1-c";
  container.spec.sandbox_id = "u-1";
  container.spec.image = "nginx";
  container.spec.labels = sandbox.spec.labels;
  container.spec.labels[agent::labels::container_name] = "nginx";
  container.spec.labels[agent::labels::restart_count] = "2";
  container.state = proc::ContainerState::running;
  proc::SandboxStatus foreign;
  foreign.spec.id = "docker-1";
  contents.sandboxes = {sandbox, foreign};
  contents.containers = {container};
  const auto shown = pod_containers(contents);
  ASSERT_EQ(shown.size(), 2U);
  EXPECT_EQ(shown[0].container.config.name, "k8s_POD_web_default_u_0");
  EXPECT_EQ(shown[0].container.program, std::vector<std::string>{"/pause"});
  EXPECT_EQ(shown[1].container.config.name, "k8s_nginx_web_default_u_2");
  EXPECT_EQ(shown[1].container.config.network, "container:" + shown[0].container.id);
}

TEST(DockerContainers, Words) {
  engine::Container container;
  const WallTime now = wall_time(int64_t{1000} * 1'000'000'000);
  EXPECT_EQ(status_text(container, now), "Created");
  container.state = engine::State::running;
  container.started_at = int64_t{880} * 1'000'000'000;
  EXPECT_EQ(status_text(container, now), "Up 2 minutes");
  container.state = engine::State::exited;
  container.exit_code = 137;
  container.finished_at = int64_t{997} * 1'000'000'000;
  EXPECT_EQ(status_text(container, now), "Exited (137) 3 seconds ago");
  container.ports = {{Ipv4(), 8080, 80, 6}, {Ipv4(127, 0, 0, 1), 53, 53, 17}};
  EXPECT_EQ(ports_text(container), "0.0.0.0:8080->80/tcp, 127.0.0.1:53->53/udp");
}

TEST(DockerInspect, HasWhatPeopleAskFor) {
  engine::Network network;
  network.name = "bridge";
  network.subnet = *Prefix::parse("172.17.0.0/16");
  network.gateway = Ipv4(172, 17, 0, 1);
  engine::Container container;
  container.id = std::string(64, 'c');
  container.config.name = "web";
  container.pid = 42;
  container.state = engine::State::running;
  container.endpoints = {{"bridge", {}, Ipv4(172, 17, 0, 2), {}, "veth1", "eth0", {}}};
  const Json json = inspect_json(container, std::span(&network, 1));
  EXPECT_EQ(json["Name"], "/web");
  EXPECT_EQ(json["State"]["Pid"], 42);
  EXPECT_EQ(json["NetworkSettings"]["IPAddress"], "172.17.0.2");
  EXPECT_EQ(json["NetworkSettings"]["Networks"]["bridge"]["Gateway"], "172.17.0.1");
  const Json other = inspect_json(network, std::span(&container, 1));
  EXPECT_EQ(other["Containers"][container.id]["IPv4Address"], "172.17.0.2/16");
}

}  // namespace
}  // namespace hoplab::cmd::docker
