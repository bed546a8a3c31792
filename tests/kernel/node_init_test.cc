#include <gmock/gmock.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <thread>

#include "runtime/base/text.h"
#include "runtime/proc/container_wire.h"
#include "tests/kernel/eventually.h"
#include "tests/kernel/node_fixture.h"

// node-init itself: adoption, sandboxes, services, reaping, hostile clients, leftovers.

namespace hoplab::test {
namespace {

using namespace proc;
using ::testing::HasSubstr;

class NodeInit : public NodeTest {
 protected:
  /// Commands of the node's processes, as its pid namespace counts them.
  [[nodiscard]] std::vector<std::string> processes() const {
    std::vector<std::string> found;
    for (const auto& entry :
         std::filesystem::directory_iterator(str("/proc/", node_pid(), "/root/proc"))) {
      auto text = read_file(entry.path() / "stat");
      if (!text || !std::isdigit(entry.path().filename().string()[0])) continue;
      found.push_back(text->substr(text->find('('), text->rfind(')') + 3 - text->find('(')));
    }
    return found;
  }
  /// SIGKILL to a process by the number that the node knows it under.
  void kill_on_node(pid_t pid) {
    PodSandboxSpec pod;
    pod.id = "killer";
    pod.host_pid = true;
    ASSERT_TRUE(client().run_sandbox(pod));
    start(container("kill", "killer", {"kill", "-9", std::to_string(pid)}));
    EXPECT_EQ(wait_exit("kill").exit_code, 0);
    ASSERT_TRUE(client().remove_sandbox("killer"));
  }
};

TEST_F(NodeInit, ANewClientFindsEverything) {
  PodSandboxSpec pod;
  pod.id = "p";
  pod.labels = {{"io.kubernetes.pod.name", "web-0"}};
  ASSERT_TRUE(client().run_sandbox(pod));
  start(container("c", "p", {"sleep", "1000"}));
  start(container("done", "p", {"sh", "-c", "exit 9"}));
  wait_exit("done");
  auto other = connect();
  auto contents = other->list();
  ASSERT_TRUE(contents);
  ASSERT_EQ(contents->sandboxes.size(), 1U);
  EXPECT_EQ(contents->sandboxes[0].spec, pod);
  EXPECT_TRUE(contents->sandboxes[0].ready);
  ASSERT_EQ(contents->containers.size(), 2U);
  EXPECT_EQ(contents->containers[0].spec.id, "c");
  EXPECT_EQ(contents->containers[0].state, ContainerState::running);
  EXPECT_EQ(contents->containers[1].exit_code, 9);

  auto again = other->run_sandbox(pod);
  ASSERT_TRUE(again) << "repeating it is fine";
  EXPECT_EQ(again->status.pid, contents->sandboxes[0].pid);
  pod.hostname = "else";
  EXPECT_EQ(other->run_sandbox(pod).error().code(), ErrorCode::already_exists);
  EXPECT_EQ(other->start_container(contents->containers[0].spec).error().code(),
            ErrorCode::already_exists);
}

TEST_F(NodeInit, RemovingLeavesNothing) {
  RunningSandbox pod = sandbox("p");
  start(container("c", "p", {"sh", "-c", "sleep 1000 & sleep 1001"}));
  ExecSpec exec{.container_id = "c", .command = {"sleep", "1002"}};
  auto session = client().exec(exec);
  ASSERT_TRUE(session);
  ASSERT_TRUE(client().remove_sandbox("p"));
  EXPECT_THAT(*client().list(), NodeContents{});
  EXPECT_EQ((*session->wait(Millis(60000)))->exit_code, 137);
  EXPECT_THAT(processes(), ::testing::ElementsAre(HasSubstr("kernel_test")));
  ASSERT_TRUE(client().remove_sandbox("p")) << "twice is fine";
  ASSERT_TRUE(client().stop_sandbox("p"));
  ASSERT_TRUE(client().remove_container("c"));
}

TEST_F(NodeInit, AContainerCanBeRemovedAndReplaced) {
  sandbox("p");
  start(container("c", "p", {"sleep", "1000"}));
  ASSERT_TRUE(client().remove_container("c"));
  for (int i = 0; i < 500 && !client().list()->containers.empty(); ++i) ::usleep(10'000);
  for (int i = 0; i < 500 && client().status("c"); ++i) ::usleep(10'000);
  EXPECT_EQ(start(container("c", "p", {"true"})).spec.id, "c");
  EXPECT_EQ(wait_exit("c").exit_code, 0);
}

TEST_F(NodeInit, APodDiesWithItsPause) {
  RunningSandbox pod = sandbox("p");
  start(container("c", "p", {"sleep", "1000"}));
  auto events = client().subscribe();
  ASSERT_TRUE(events);
  kill_on_node(pod.status.pid);
  EXPECT_EQ(wait_exit("c").exit_code, 137);
  EXPECT_FALSE(client().list()->sandboxes[0].ready);
  auto refused = client().start_container(container("d", "p", {"true"}));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::unavailable);
}

TEST_F(NodeInit, KeepsServicesRunningAndReapsOrphans) {
  stop_node();
  ServiceSpec counter{"counter",
                      {"/bin/sh", "-c", "(sleep 0.05 &) ; echo run $GREETING; sleep 0.1; exit 3"},
                      {{"GREETING", "hello"}}};
  ServiceSpec steady{"steady", {"/bin/sleep", "1000"}, {}};
  SteadyTime begin = SystemClock().steady();
  start_node({counter, steady});
  std::string log = directory() + "/log/counter.log";
  auto runs = [&] {
    std::string text = read_file(log).value_or("");
    return std::count(text.begin(), text.end(), '\n');
  };
  EXPECT_TRUE(eventually([&] { return runs() >= 3; }));
  EXPECT_GE(SystemClock().steady() - begin, Millis(400)) << "100 ms, then 200 ms between runs";
  EXPECT_THAT(*read_file(log), HasSubstr("run hello\n"));
  // Each is a zombie for the moment until it is reaped.
  EXPECT_TRUE(eventually([&] {
    auto all = processes();
    return std::none_of(all.begin(), all.end(), [](const std::string& process) {
      return process.find(") Z") != std::string::npos;
    });
  }));
  EXPECT_THAT(processes(), ::testing::Contains(HasSubstr("(sleep)")));
}

TEST_F(NodeInit, HostileClientsDoNoHarm) {
  start_sleeper();
  std::string path = directory() + "/node.sock";
  for (std::string bytes : {std::string("\7garbage"), std::string("\0{", 2), std::string("\0[]", 3),
                            std::string("\1\1\1"), std::string("x")}) {
    auto socket = MessageSocket::connect(path);
    ASSERT_TRUE(socket);
    ASSERT_EQ(::send(socket->fd(), bytes.data(), bytes.size(), 0),
              static_cast<ssize_t>(bytes.size()));
    (void)socket->receive(Millis(50)).ok();
  }
  for (const Json& body :
       {Json{{"op", "dance"}}, Json{{"op", 7}}, Json{{"op", "exec"}},
        Json{{"op", "exec"}, {"spec", {{"containerId", "c"}}}},
        Json{{"op", "start_container"}, {"spec", {{"id", "../../x"}}}},
        Json{{"op", "kill_container"}, {"id", "c"}, {"signal", 1'000'000'000'000}}}) {
    auto socket = MessageSocket::connect(path);
    ASSERT_TRUE(socket->send(body));
    auto answer = socket->receive(Millis(60000));
    ASSERT_TRUE(answer && *answer);
    EXPECT_TRUE(error_from_json((*answer)->body)) << dump_json(body);
  }
  {  // gone before the answer
    auto socket = MessageSocket::connect(path);
    ASSERT_TRUE(socket->send(
        {{"op", "exec"}, {"spec", {{"containerId", "c"}, {"command", {"sleep", "0.1"}}}}}));
  }
  std::vector<MessageSocket> many;
  for (int i = 0; i < 50; ++i) many.push_back(*MessageSocket::connect(path));
  EXPECT_EQ(sh("echo alive"), "alive");
}

TEST_F(NodeInit, ManyPodsStartQuickly) {
  constexpr int count = 20;
  SteadyTime begin = SystemClock().steady();
  for (int i = 0; i < count; ++i) sandbox(str("p", i));
  auto sandboxes = SystemClock().steady() - begin;
  for (int i = 0; i < count; ++i) start(container(str("c", i), str("p", i), {"sleep", "1000"}));
  auto all = SystemClock().steady() - begin;
  auto millis = [](auto time) { return std::chrono::duration<double, std::milli>(time).count(); };
  std::cout << "per pod: sandbox " << millis(sandboxes) / count << " ms, container "
            << millis(all - sandboxes) / count << " ms\n";
  EXPECT_EQ(client().list()->containers.size(), static_cast<size_t>(count));
}

}  // namespace
}  // namespace hoplab::test
