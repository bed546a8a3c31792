#include "runtime/engine/types.h"

#include <gmock/gmock.h>

namespace hoplab::engine {
namespace {

using testing::HasSubstr;

Container sample() {
  Container container;
  container.id = std::string(64, 'a');
  container.config.name = "web";
  container.config.image = "nginx:latest";
  container.config.env = {{"MOOD", "fine"}};
  container.config.ip = Ipv4(172, 30, 0, 9);
  container.config.ports = {{Ipv4(127, 0, 0, 1), 8080, 80, 6}};
  container.config.mounts = {{"/srv", "/data", true, false}};
  container.config.restart = {RestartPolicy::on_failure, 3};
  container.state = State::running;
  container.endpoints = {{"lab",
                          Ipv4(172, 30, 0, 9),
                          Ipv4(172, 30, 0, 9),
                          *Mac::parse("02:42:ac:1e:00:09"),
                          "veth1",
                          "eth0",
                          {"db"}}};
  container.ports = container.config.ports;
  container.pid = 42;
  return container;
}

TEST(EngineTypes, SurviveTheTripThroughJson) {
  auto back = container_from_json(*parse_json(dump_json(to_json(sample()))));
  ASSERT_TRUE(back) << back.error().message();
  EXPECT_EQ(*back, sample());
  Network network;
  network.name = "lab";
  network.subnet = *Prefix::parse("172.30.0.0/16");
  network.gateway = Ipv4(172, 30, 0, 1);
  network.labels = {{"a", "b"}};
  auto again = network_from_json(to_json(network));
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_EQ(*again, network);
}

TEST(EngineTypes, ErrorsNameTheField) {
  Json json = to_json(sample());
  json["endpoints"][0]["ip"] = "172.30.0.999";
  auto wrong = container_from_json(json);
  ASSERT_FALSE(wrong);
  EXPECT_THAT(wrong.error().message(), HasSubstr("endpoints[0].ip"));
  json = to_json(sample());
  json["config"]["ports"][0]["hostPort"] = 70000;
  wrong = container_from_json(json);
  ASSERT_FALSE(wrong);
  EXPECT_THAT(wrong.error().message(), HasSubstr("config.ports[0].hostPort"));
  json = to_json(sample());
  json["state"] = "asleep";
  wrong = container_from_json(json);
  ASSERT_FALSE(wrong);
  EXPECT_THAT(wrong.error().message(), HasSubstr("state"));
}

TEST(EngineTypes, RestartPolicies) {
  EXPECT_EQ(*parse_restart("no"), (Restart{RestartPolicy::no, 0}));
  EXPECT_EQ(*parse_restart("on-failure:5"), (Restart{RestartPolicy::on_failure, 5}));
  EXPECT_EQ(*parse_restart("unless-stopped"), (Restart{RestartPolicy::unless_stopped, 0}));
  for (const char* wrong : {"", "sometimes", "always:3", "on-failure:x", "on-failure:-1"}) {
    EXPECT_FALSE(parse_restart(wrong)) << wrong;
  }
}

}  // namespace
}  // namespace hoplab::engine
