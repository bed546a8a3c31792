#include "labs/evaluate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "labs/load.h"
#include "labs/probe.h"
#include "labs/progress.h"
#include "labs/session.h"
#include "runtime/base/test_dir.h"

namespace hoplab::labs {

namespace {

using testing::HasSubstr;

const Say english("en");

Check check_of(const std::string& yaml) {
  Mistakes mistakes;
  Source source = read_source("check.yaml", yaml, mistakes);
  Check check = load_check(source, source.value, "", mistakes);
  EXPECT_TRUE(mistakes.none()) << mistakes.to_error().message();
  return check;
}

View view_with_link(const std::string& name, bool up) {
  View view;
  Link link;
  link.name = name;
  link.kind = LinkKind::veth;
  link.up = up;
  view.network.links = {link};
  return view;
}

TEST(Evaluate, LinkSaysWhatWasLookedAtFoundAndExpected) {
  Check check = check_of("link: {netns: RED, name: veth1, up: true}");
  EXPECT_TRUE(evaluate(check, view_with_link("veth1", true), english).passed);
  Verdict down = evaluate(check, view_with_link("veth1", false), english);
  EXPECT_FALSE(down.passed);
  EXPECT_EQ(down.looked_at, "link veth1 in namespace RED");
  EXPECT_EQ(down.found, "DOWN");
  EXPECT_EQ(down.expected, "UP");
  EXPECT_EQ(down.read, "ip -n RED -d link show veth1");
  Verdict missing = evaluate(check, view_with_link("veth9", true), english);
  EXPECT_FALSE(missing.passed);
  EXPECT_EQ(missing.found, "it is not there, there are: veth9");
}

TEST(Evaluate, KoreanWordsNameTheSame) {
  Check check = check_of("link: {netns: RED, name: veth1, up: true}");
  Verdict down = evaluate(check, view_with_link("veth1", false), Say("ko"));
  EXPECT_EQ(down.looked_at, "네임스페이스 RED의 링크 veth1");
  EXPECT_EQ(down.found, "DOWN");
}

TEST(Evaluate, AbsentThings) {
  Check check = check_of("link: {name: veth1, absent: true}");
  EXPECT_TRUE(evaluate(check, View{}, english).passed);
  EXPECT_FALSE(evaluate(check, view_with_link("veth1", true), english).passed);
  View nowhere;
  nowhere.missing_place = "netns RED";
  EXPECT_TRUE(
      evaluate(check_of("link: {netns: RED, name: a, absent: true}"), nowhere, english).passed);
  Verdict missing = evaluate(check_of("link: {netns: RED, name: a}"), nowhere, english);
  EXPECT_FALSE(missing.passed);
  EXPECT_THAT(missing.found, HasSubstr("netns RED does not exist"));
}

TEST(Evaluate, RoutesByDestinationGatewayAndLink) {
  View view;
  Route route;
  route.gateway = Ipv4(11, 11, 11, 1);
  route.link = "veth1";
  view.network.routes = {route};
  EXPECT_TRUE(evaluate(check_of("route: {to: default, via: 11.11.11.1}"), view, english).passed);
  EXPECT_FALSE(evaluate(check_of("route: {to: default, via: 11.11.11.9}"), view, english).passed);
  EXPECT_FALSE(evaluate(check_of("route: {to: default, dev: eth0}"), view, english).passed);
  EXPECT_FALSE(evaluate(check_of("route: {to: 11.11.11.0/24}"), view, english).passed);
}

TEST(Evaluate, RulesByWholeWords) {
  View view;
  view.rules = {"*filter", ":FORWARD DROP [2:168]", "-A FORWARD -i br0 ! -o br0 -j ACCEPT"};
  EXPECT_TRUE(
      evaluate(check_of("rule: {table: filter, chain: FORWARD, contains: [-i br0, -j ACCEPT]}"),
               view, english)
          .passed);
  EXPECT_FALSE(
      evaluate(check_of("rule: {table: filter, chain: FORWARD, contains: [-i br]}"), view, english)
          .passed);
  EXPECT_TRUE(evaluate(check_of("policy: {table: filter, chain: FORWARD, is: DROP}"), view, english)
                  .passed);
  EXPECT_TRUE(
      evaluate(check_of("policy: {table: filter, chain: FORWARD, is: ACCEPT}"), View{}, english)
          .passed)
      << "a table that nobody made lets everything through";
}

TEST(Evaluate, NeighborsByWhetherAnybodyAnswered) {
  View view;
  Neighbor entry;
  entry.ip = Ipv4(11, 11, 11, 3);
  view.network.neighbors = {entry};
  EXPECT_TRUE(
      evaluate(check_of("neighbor: {ip: 11.11.11.3, resolved: false}"), view, english).passed);
  EXPECT_FALSE(
      evaluate(check_of("neighbor: {ip: 11.11.11.3, resolved: true}"), view, english).passed);
  EXPECT_FALSE(
      evaluate(check_of("neighbor: {ip: 11.11.11.4, resolved: false}"), view, english).passed);
  view.network.neighbors[0].mac = Mac{};
  EXPECT_TRUE(
      evaluate(check_of("neighbor: {ip: 11.11.11.3, resolved: true}"), view, english).passed);
}

TEST(Evaluate, ProcessesByTheirNamespaces) {
  Check check = check_of("process: {command: sleep 1, own: [net], shares: [uts]}");
  View view;
  view.processes = {{42, {{"net", true}, {"uts", false}}}};
  EXPECT_TRUE(evaluate(check, view, english).passed);
  view.processes = {{42, {{"net", false}, {"uts", false}}}};
  Verdict same = evaluate(check, view, english);
  EXPECT_FALSE(same.passed);
  EXPECT_THAT(same.found, HasSubstr("the host's net namespace"));
  EXPECT_FALSE(evaluate(check, View{}, english).passed);
}

TEST(Evaluate, ConnectionsByWhereAnswersGo) {
  Check check = check_of(
      "conntrack: {protocol: tcp, from: 11.11.11.2, to: 1.1.1.1, port: 80, "
      "answers_go_to: 203.0.113.10}");
  ConntrackEntry entry;
  entry.protocol = 6;
  entry.original = {Ipv4(11, 11, 11, 2), Ipv4(1, 1, 1, 1), 4000, 80};
  entry.reply = {Ipv4(1, 1, 1, 1), Ipv4(11, 11, 11, 2), 80, 4000};
  View view;
  view.connections = {entry};
  EXPECT_FALSE(evaluate(check, view, english).passed) << "not translated";
  view.connections[0].reply.destination = Ipv4(203, 0, 113, 10);
  EXPECT_TRUE(evaluate(check, view, english).passed);
}

TEST(Evaluate, PingTellsItsAnswersApart) {
  View view;
  view.ping = PingAnswer::silence;
  Verdict silent =
      evaluate(check_of("ping: {to: 8.8.8.8, answer: host-unreachable}"), view, english);
  EXPECT_FALSE(silent.passed);
  EXPECT_EQ(silent.expected, "Destination Host Unreachable");
  EXPECT_THAT(silent.found, HasSubstr("silence"));
}

TEST(Evaluate, ObjectsByTheirFields) {
  View view;
  Check check = check_of("object: {kind: pod, name: web, path: status.phase, is: Running}");
  EXPECT_FALSE(evaluate(check, view, english).passed);
  view.object = Json{{"status", {{"phase", "Pending"}}}};
  Verdict pending = evaluate(check, view, english);
  EXPECT_FALSE(pending.passed);
  EXPECT_EQ(pending.looked_at, "pod/web in the API");
  EXPECT_EQ(pending.found, "status.phase: Pending");
  EXPECT_EQ(pending.read, "kubectl get pod web -n default -o yaml");
  view.object = Json{{"status", {{"phase", "Running"}}}};
  EXPECT_TRUE(evaluate(check, view, english).passed);
  EXPECT_TRUE(
      evaluate(check_of("object: {kind: pod, name: web, absent: true}"), View{}, english).passed);
  EXPECT_FALSE(
      evaluate(check_of("object: {kind: pod, name: web, absent: true}"), view, english).passed);
}

TEST(Evaluate, NamesByTheirAddresses) {
  View view;
  Check check = check_of("dns: {server: 10.96.0.10, name: web, is: 10.96.0.7}");
  view.failure = "NXDOMAIN";
  EXPECT_EQ(evaluate(check, view, english).found, "NXDOMAIN");
  view = View{};
  view.answers = {"10.96.0.8"};
  EXPECT_FALSE(evaluate(check, view, english).passed);
  view.answers.emplace_back("10.96.0.7");
  EXPECT_TRUE(evaluate(check, view, english).passed);
  EXPECT_TRUE(evaluate(check_of("dns: {server: 10.96.0.10, name: web}"), view, english).passed);
}

TEST(Dns, AnswersAreReadAndBrokenOnesRefused) {
  auto read = [](const std::string& name) {
    return dns_answer(0x1234, *read_file("tests/fuzz/corpus/dns_answer_fuzz/" + name));
  };
  auto good = read("cname_and_address");
  ASSERT_TRUE(good) << good.error().message();
  EXPECT_THAT(*good, testing::ElementsAre(Ipv4(203, 0, 113, 7)));
  EXPECT_FALSE(read("cut"));
  EXPECT_FALSE(read("endless_label"));
  auto none = read("nxdomain");
  ASSERT_FALSE(none);
  EXPECT_THAT(none.error().message(), HasSubstr("NXDOMAIN"));
  EXPECT_FALSE(dns_answer(0x1235, *read_file("tests/fuzz/corpus/dns_answer_fuzz/nxdomain")));
  EXPECT_FALSE(dns_question(1, "a..b"));
  EXPECT_FALSE(dns_question(1, std::string(64, 'a')));
  EXPECT_EQ(dns_question(1, "ab.c.")->substr(12), std::string("\2ab\1c\0\0\1\0\1", 10));
}

TEST(Judge, SkippedIsNeitherPassedNorFailed) {
  Judgement judgement;
  judgement.skipped = "br_netfilter is missing";
  EXPECT_TRUE(judgement.passed()) << "one may go on";
  Verdict bad;
  judgement = {"", {bad}};
  EXPECT_FALSE(judgement.passed());
  EXPECT_EQ(why_skipped({}, english), "");
}

TEST(Progress, IsKeptAsAWhole) {
  TestDir dir;
  const std::string file = dir.file("deep/linux.json");
  auto none = read_progress(file);
  ASSERT_TRUE(none);
  EXPECT_EQ(*none, Progress{});
  Progress progress{"veth", 2, "ko", "/lessons", {{"veth", {"one", "two"}}}, {{"veth/one", 2}}};
  ASSERT_TRUE(write_progress(file, progress));
  auto back = read_progress(file);
  ASSERT_TRUE(back) << back.error().message();
  EXPECT_EQ(*back, progress);
}

TEST(Progress, DamagedFilesAreRefused) {
  TestDir dir;
  for (const char* text :
       {"", "[]", "{", R"({"step":-1,"done":{},"hints":{}})", R"({"step":0,"done":[],"hints":{}})",
        R"({"step":0,"done":{"a":[3]},"hints":{}})", R"({"step":0,"done":{},"hints":{"a":"b"}})"}) {
    ASSERT_TRUE(write_file(dir.file("x.json"), text));
    auto read = read_progress(dir.file("x.json"));
    ASSERT_FALSE(read) << text;
    EXPECT_THAT(read.error().message(), HasSubstr("x.json"));
  }
}

TEST(Say, PlacesMayComeInAnyOrder) {
  EXPECT_EQ(Say("en")("{0} in {1}", "{1}의 {0}", {"link", "RED"}), "link in RED");
  EXPECT_EQ(Say("ko")("{0} in {1}", "{1}의 {0}", {"link", "RED"}), "RED의 link");
  EXPECT_EQ(Say("de")("{a} {9}", "", {"x"}), "{a} {9}");
}

}  // namespace

}  // namespace hoplab::labs
