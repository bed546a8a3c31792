#include "tests/kernel/node_fixture.h"

#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <filesystem>
#include <thread>

#include "runtime/base/text.h"
#include "runtime/proc/cgroup.h"
#include "runtime/proc/log_reader.h"
#include "runtime/proc/node_init.h"
#include "tests/kernel/eventually.h"
#include "tests/kernel/sandbox_netns.h"

namespace hoplab::test {

using namespace proc;

namespace {

[[noreturn]] void be_a_node(const NodeConfig& config) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  bool ready = ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
               ::mount("proc", "/proc", "proc", 0, nullptr) == 0 && ::sethostname("node", 4) == 0;
  auto ended = ready ? run_node_init(config, Log("node-init", 2, LogLevel::warning))
                     : Result<void>(Error::from_errno(errno, "preparing a node"));
  if (!ended) std::fprintf(stderr, "node-init: %s\n", ended.error().message().c_str());
  ::_exit(ended ? 0 : 1);
}

/// Reads both streams as they come, so that neither pipe fills up.
void read_both(StreamSession& session, Output& output) {
  std::array<pollfd, 2> waiting{{{session.output().get(), POLLIN, 0},
                                 {session.error() ? session.error().get() : -1, POLLIN, 0}}};
  std::array<char, 4096> buffer;
  while (waiting[0].fd >= 0 || waiting[1].fd >= 0) {
    if (::poll(waiting.data(), 2, 20'000) <= 0) {
      ADD_FAILURE() << "a session gave nothing for 20 s";
      return;
    }
    for (size_t i = 0; i < 2; ++i) {
      if (waiting[i].fd < 0 || waiting[i].revents == 0) continue;
      ssize_t n = ::read(waiting[i].fd, buffer.data(), buffer.size());
      if (n <= 0) waiting[i].fd = -1;
      if (n > 0) (i == 0 ? output.out : output.err).append(buffer.data(), static_cast<size_t>(n));
    }
  }
}

}  // namespace

Output finish(StreamSession& session) {
  Output output;
  read_both(session, output);
  auto status = session.wait(Millis(60'000));
  EXPECT_TRUE(status) << status.error().message();
  if (status && *status) output.status = **status;
  EXPECT_TRUE(status && *status) << "no exit status";
  return output;
}

void NodeTest::SetUp() {
  if (!sandbox_problem().empty()) {
    GTEST_SKIP() << "namespaces are closed here: " << sandbox_problem();
  }
  std::string pattern = "/run/node-XXXXXX";
  ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
  directory_ = pattern;
  start_node({});
}

void NodeTest::start_node(const std::vector<ServiceSpec>& services) {
  NodeConfig config;
  config.host = "node";
  config.cluster = str("test-", ::getpid());
  config.state_directory = directory_;
  config.services = services;
  config.image_folder = image_folder();
  constexpr unsigned long flags =
      CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWIPC | SIGCHLD;
  long pid = ::syscall(SYS_clone, flags, nullptr, nullptr, nullptr, nullptr);
  ASSERT_GE(pid, 0);
  if (pid == 0) be_a_node(config);
  pid_ = static_cast<pid_t>(pid);
  ASSERT_TRUE(test::eventually([&] {
    auto connected = ContainerClient::connect(config.socket_path());
    if (connected) client_ = *std::move(connected);
    return client_ != nullptr;
  })) << "node-init does not listen";
}

void NodeTest::stop_node() {
  client_.reset();
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  pid_ = 0;
  remove_cluster_cgroups(str("test-", ::getpid()));
}

void NodeTest::TearDown() {
  stop_node();
  if (!directory_.empty()) std::filesystem::remove_all(directory_);
}

std::unique_ptr<ContainerClient> NodeTest::connect() const {
  auto connected = ContainerClient::connect(directory_ + "/node.sock");
  EXPECT_TRUE(connected) << connected.error().message();
  return *std::move(connected);
}

RunningSandbox NodeTest::sandbox(const std::string& id) {
  PodSandboxSpec spec;
  spec.id = id;
  spec.hostname = id;
  auto made = client_->run_sandbox(spec);
  EXPECT_TRUE(made) << made.error().message();
  return made ? *std::move(made) : RunningSandbox{};
}

ContainerSpec NodeTest::container(const std::string& id, const std::string& sandbox,
                                  std::vector<std::string> command) const {
  ContainerSpec spec;
  spec.id = id;
  spec.sandbox_id = sandbox;
  spec.image = "busybox:1.28";
  spec.command = std::move(command);
  spec.log.path = directory_ + "/logs/" + id + ".log";
  return spec;
}

ContainerStatus NodeTest::start(const ContainerSpec& spec) {
  auto status = client_->start_container(spec);
  EXPECT_TRUE(status) << status.error().message();
  return status ? *status : ContainerStatus{};
}

void NodeTest::start_sleeper(const std::function<void(ContainerSpec&)>& change) {
  sandbox("p");
  ContainerSpec spec = container("c", "p", {"sleep", "1000"});
  if (change) change(spec);
  ContainerStatus status = start(spec);
  ASSERT_EQ(status.state, ContainerState::running) << status.message;
}

Output NodeTest::exec(const std::vector<std::string>& command, const std::string& container) {
  ExecSpec spec;
  spec.container_id = container;
  spec.command = command;
  auto session = client_->exec(spec);
  if (!session) {
    ADD_FAILURE() << session.error().message();
    return {};
  }
  return finish(*session);
}

std::string NodeTest::sh(const std::string& script) {
  Output output = exec({"sh", "-c", "exec 2>&1; " + script});
  if (output.out.ends_with('\n')) output.out.pop_back();
  return output.out;
}

ContainerStatus NodeTest::wait_exit(const std::string& id, Millis limit) {
  SteadyTime end = SystemClock().steady() + limit;
  while (SystemClock().steady() < end) {
    auto status = client_->status(id);
    if (!status) {
      ADD_FAILURE() << status.error().message();
      return {};
    }
    if (status->state == ContainerState::exited) return *status;
    std::this_thread::sleep_for(Millis(5));
  }
  ADD_FAILURE() << "container " << id << " does not end";
  return {};
}

std::string NodeTest::log_of(const std::string& id) {
  auto reader = LogReader::open(directory_ + "/logs/" + id + ".log", {});
  if (!reader) return reader.error().message();
  std::string all;
  for (;;) {
    auto text = reader->read();
    if (!text || !*text) return all;
    all += **text;
  }
}

}  // namespace hoplab::test
