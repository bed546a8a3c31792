#include <gmock/gmock.h>
#include <poll.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include "runtime/base/text.h"
#include "tests/kernel/eventually.h"
#include "tests/kernel/node_fixture.h"

// exec, attach, terminals, signals, events: what a client of node-init can do with what runs.

namespace hoplab::test {
namespace {

using namespace proc;
using ::testing::HasSubstr;

class Sessions : public NodeTest {
 protected:
  StreamSession open_exec(ExecSpec spec) {
    spec.container_id = "c";
    auto session = client().exec(spec);
    if (!session) throw std::runtime_error(session.error().message());
    return *std::move(session);
  }
  /// Reads until the text has come.
  static std::string read_until(Fd& fd, std::string_view wanted) {
    std::string got;
    char buffer[4096];
    pollfd waiting{fd.get(), POLLIN, 0};
    while (got.find(wanted) == std::string::npos && ::poll(&waiting, 1, 10'000) > 0) {
      ssize_t n = ::read(fd.get(), buffer, sizeof buffer);
      if (n <= 0) break;
      got.append(buffer, static_cast<size_t>(n));
    }
    EXPECT_THAT(got, HasSubstr(std::string(wanted)));
    return got;
  }
};

TEST_F(Sessions, ExecKeepsStreamsAndExitCodesApart) {
  start_sleeper();
  Output output = exec({"sh", "-c", "echo out; echo err >&2; exit 7"});
  EXPECT_EQ(output.out, "out\n");
  EXPECT_EQ(output.err, "err\n");
  EXPECT_EQ(output.status.exit_code, 7);
  output = exec({"sh", "-c", "kill -9 $$"});
  EXPECT_EQ(output.status.exit_code, 137);
  EXPECT_EQ(output.status.signal, SIGKILL);
  output = exec({"nonsense"});
  EXPECT_EQ(output.status.exit_code, 127);
  EXPECT_EQ(output.status.message, "exec: \"nonsense\": executable file not found in $PATH");
  auto refused = client().exec({.container_id = "other", .command = {"true"}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::not_found);
}

TEST_F(Sessions, ExecCarriesMegabytesBothWays) {
  start_sleeper();
  StreamSession session = open_exec({.command = {"cat"}, .stdin_open = true});
  std::string sent(3 << 20, 'x');
  std::thread writer([&] {
    EXPECT_TRUE(write_all(session.input().get(), sent));
    session.close_input();
  });
  Output output = finish(session);
  writer.join();
  EXPECT_EQ(output.out.size(), sent.size());
  EXPECT_EQ(output.status.exit_code, 0);
}

TEST_F(Sessions, ExecWithATerminal) {
  start_sleeper();
  StreamSession session = open_exec({.command = {"sh"},
                                     .env = {{"PS1", "> "}},
                                     .stdin_open = true,
                                     .tty = true,
                                     .rows = 50,
                                     .columns = 132});
  ASSERT_TRUE(session.tty());
  read_until(session.output(), "> ");
  ASSERT_TRUE(write_all(session.input().get(), "stty size; tty\n"));
  EXPECT_THAT(read_until(session.output(), "/dev/pts/"), HasSubstr("50 132"));
  ASSERT_TRUE(session.resize(10, 20));
  ASSERT_TRUE(write_all(session.input().get(), "stty size\n"));
  read_until(session.output(), "10 20");
  // Ctrl-C reaches the foreground program only.
  ASSERT_TRUE(write_all(session.input().get(), "sleep 100\n"));
  ::usleep(100'000);
  ASSERT_TRUE(write_all(session.input().get(), "\x03"));
  ASSERT_TRUE(write_all(session.input().get(), "echo code $?\n"));
  read_until(session.output(), "code 130");
  ASSERT_TRUE(write_all(session.input().get(), "exit 5\n"));
  EXPECT_EQ(finish(session).status.exit_code, 5);
}

TEST_F(Sessions, AnExecThatLosesItsTerminalIsHungUp) {
  start_sleeper();
  {
    StreamSession session =
        open_exec({.command = {"sleep", "777"}, .stdin_open = true, .tty = true});
    EXPECT_THAT(sh("cat /proc/[0-9]*/cmdline | tr '\\0' ' '"), HasSubstr("sleep 777"));
  }
  std::string left;
  for (int i = 0; i < 200; ++i) {
    left = sh("cat /proc/[0-9]*/cmdline | tr '\\0' ' '");
    if (left.find("sleep 777") == std::string::npos) break;
    ::usleep(10'000);
  }
  EXPECT_EQ(left.find("sleep 777"), std::string::npos);
}

TEST_F(Sessions, AttachSeesOutputAndGivesInput) {
  sandbox("p");
  ContainerSpec spec =
      container("c", "p", {"sh", "-c", "while read x; do echo got $x; done; exit 4"});
  spec.stdin_open = spec.stdin_once = true;
  start(spec);
  auto session = client().attach("c");
  ASSERT_TRUE(session) << session.error().message();
  ASSERT_TRUE(write_all(session->input().get(), "one\n"));
  read_until(session->output(), "got one\n");
  session->close_input();
  EXPECT_EQ(finish(*session).status.exit_code, 4);
  EXPECT_EQ(log_of("c"), "got one\n") << "what is attached is logged too";
}

TEST_F(Sessions, AttachBeforeTheStartMissesNothing) {
  sandbox("p");
  for (int i = 0; i < 5; ++i) {
    const std::string id = "c" + std::to_string(i);
    ContainerSpec spec = container(id, "p", {"sh", "-c", "echo first; echo second >&2; exit 3"});
    auto pending = client().attach_when_started(id);
    ASSERT_TRUE(pending) << pending.error().message();
    start(spec);
    auto session = std::move(*pending).take(Millis(10'000));
    ASSERT_TRUE(session) << session.error().message();
    const Output output = finish(*session);
    EXPECT_EQ(output.out, "first\n");
    EXPECT_EQ(output.err, "second\n");
    EXPECT_EQ(output.status.exit_code, 3);
  }
}

TEST_F(Sessions, AttachBeforeTheStartOfATerminal) {
  sandbox("p");
  ContainerSpec spec = container("c", "p", {"sh", "-c", "echo first; exec cat"});
  spec.tty = spec.stdin_open = true;
  auto pending = client().attach_when_started("c");
  ASSERT_TRUE(pending) << pending.error().message();
  start(spec);
  auto session = std::move(*pending).take(Millis(10'000));
  ASSERT_TRUE(session) << session.error().message();
  EXPECT_TRUE(session->tty());
  read_until(session->output(), "first");
  ASSERT_TRUE(write_all(session->input().get(), "typed\n\x04"));
  EXPECT_EQ(finish(*session).status.exit_code, 0);
}

TEST_F(Sessions, AClientSlowerThanTheContainersEndGetsEverything) {
  sandbox("p");
  auto pending = client().attach_when_started("c");
  ASSERT_TRUE(pending) << pending.error().message();
  start(container("c", "p", {"head", "-c", "3000000", "/dev/zero"}));
  auto session = std::move(*pending).take(Millis(10'000));
  ASSERT_TRUE(session) << session.error().message();
  ::usleep(50'000);  // so that the pipe is full
  std::string text;
  std::array<char, 65536> buffer;
  bool forgotten = false;
  for (ssize_t n = 0; (n = ::read(session->output().get(), buffer.data(), buffer.size())) > 0;) {
    text.append(buffer.data(), static_cast<size_t>(n));
    if (text.size() < 2'900'000 || forgotten) continue;
    forgotten = true;  // what is left fits into the pipes, so the container can end
    wait_exit("c");
    ASSERT_TRUE(client().remove_sandbox("p"));
  }
  EXPECT_EQ(text.size(), 3'000'000U);
}

TEST_F(Sessions, AttachBeforeAStartThatFails) {
  sandbox("p");
  auto pending = client().attach_when_started("c");
  ASSERT_TRUE(pending) << pending.error().message();
  const auto status = client().start_container(container("c", "p", {"no-such-program"}));
  ASSERT_TRUE(status) << status.error().message();
  auto session = std::move(*pending).take(Millis(10'000));
  ASSERT_TRUE(session) << session.error().message();
  EXPECT_EQ(finish(*session).status.exit_code, 127);
  EXPECT_FALSE(client().attach_when_started("c")) << "it is there already, and over";
}

TEST_F(Sessions, AttachToATerminal) {
  sandbox("p");
  ContainerSpec spec = container("c", "p", {"sh"});
  spec.tty = spec.stdin_open = true;
  start(spec);
  {
    auto session = client().attach("c");
    ASSERT_TRUE(session) << session.error().message();
    ASSERT_TRUE(session->resize(33, 99));
    ASSERT_TRUE(write_all(session->input().get(), "stty size\n"));
    read_until(session->output(), "33 99");
  }
  auto again = client().attach("c");
  ASSERT_TRUE(again);
  ASSERT_TRUE(write_all(again->input().get(), "tty; echo $TERM; exit 3\n"));
  EXPECT_THAT(read_until(again->output(), "xterm"), HasSubstr("/dev/pts/0"));
  EXPECT_EQ(finish(*again).status.exit_code, 3);
}

TEST_F(Sessions, AClientThatDoesNotReadHoldsOnlyItsContainerUp) {
  sandbox("p");
  start(container("c", "p",
                  {"sh", "-c", "read x < /dev/null; sleep 0.2; head -c 1000000 /dev/zero"}));
  auto session = client().attach("c");
  ASSERT_TRUE(session);
  ::usleep(500'000);
  EXPECT_EQ(client().status("c")->state, ContainerState::running);
  start(container("d", "p", {"echo", "fine"}));
  EXPECT_EQ(wait_exit("d").exit_code, 0);
  EXPECT_EQ(finish(*session).out.size(), 1000000U);
  EXPECT_EQ(wait_exit("c").exit_code, 0);
}

TEST_F(Sessions, StopIsGentleFirst) {
  sandbox("p");
  start(container(
      "polite", "p",
      {"sh", "-c", "trap 'echo bye; exit 0' TERM; echo hi; while :; do sleep 0.01; done"}));
  start(container("deaf", "p", {"sleep", "1000"}));  // pid 1 without a handler ignores SIGTERM
  ASSERT_TRUE(eventually([&] { return log_of("polite") == "hi\n"; }));
  ASSERT_TRUE(client().stop_container("polite", Millis(600'000)));
  EXPECT_EQ(wait_exit("polite").exit_code, 0);
  EXPECT_EQ(log_of("polite"), "hi\nbye\n");
  ASSERT_TRUE(client().stop_container("deaf", Millis(600'000)));
  EXPECT_EQ(client().status("deaf")->state, ContainerState::running);
  // Somebody has lost patience: the shorter time counts.
  ASSERT_TRUE(client().stop_container("deaf", Millis(50)));
  ContainerStatus status = wait_exit("deaf");
  EXPECT_EQ(status.exit_code, 137);
  EXPECT_EQ(status.signal, SIGKILL);
  EXPECT_EQ(client().kill_container("deaf", 99).error().code(), ErrorCode::invalid);
}

TEST_F(Sessions, EventsComeInOrder) {
  auto events = client().subscribe();
  ASSERT_TRUE(events);
  sandbox("p");
  start(container("c", "p", {"sh", "-c", "exit 2"}));
  auto next = [&] { return events->next(Millis(60000)).value().value_or(ContainerEvent{}); };
  ContainerEvent event = next();
  EXPECT_EQ(event.kind, ContainerEventKind::started);
  EXPECT_EQ(event.container_id, "c");
  event = next();
  EXPECT_EQ(event.kind, ContainerEventKind::exited);
  EXPECT_EQ(event.status.exit_code, 2);
  EXPECT_EQ(event.sandbox_id, "p");
  ASSERT_TRUE(client().stop_sandbox("p"));
  event = next();
  EXPECT_EQ(event.kind, ContainerEventKind::sandbox_stopped);
  EXPECT_FALSE(*events->next(Millis(0)));
}

}  // namespace
}  // namespace hoplab::test
