#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <csignal>
#include <thread>

#include "labs/evaluate.h"
#include "labs/observe.h"
#include "labs/probe.h"
#include "labs/typed_shell.h"
#include "tests/kernel/sandbox_netns.h"

namespace hoplab::labs {

namespace {

class Labs : public test::SandboxNetns {
 protected:
  /// RED and BLUE with a cable between them, both ends with an address; BLUE's end up or not.
  void wire(bool blue_up) {
    red_ = make_named_host("RED");
    blue_ = make_named_host("BLUE");
    Link end;
    end.name = "veth1";
    Link peer;
    peer.name = "veth2";
    test::must_apply(red_.get(), {{"RED", VethAdd{end, peer, "BLUE"}, "the cable"}}, blue_.get());
    const Ipv4 red(11, 11, 11, 2);
    const Ipv4 blue(11, 11, 11, 3);
    add(red_, "veth1", red);
    LinkSet on{"veth1"};
    on.up = true;
    test::must_apply(red_.get(), {{"RED", on, "on"}});
    add(blue_, "veth2", blue);
    on.name = "veth2";
    if (blue_up) test::must_apply(blue_.get(), {{"BLUE", on, "on"}});
  }

  static Check check(CheckKind kind, Json want, const std::string& netns = "RED") {
    Check made;
    made.kind = kind;
    made.netns = netns;
    made.want = std::move(want);
    return made;
  }
  static bool holds(const Check& check) {
    auto view = observe(check);
    EXPECT_TRUE(view) << view.error().message();
    return view && evaluate(check, *view, Say("en")).passed;
  }

  Fd red_, blue_;

 private:
  static void add(const Fd& netns, const std::string& link, Ipv4 ip) {
    test::must_apply(netns.get(), {{"", AddressAdd{{link, Prefix(ip, 24), {}}}, "an address"}});
  }
};

TEST_F(Labs, ChecksReadTheKernel) {
  wire(true);
  EXPECT_TRUE(holds(check(CheckKind::link, {{"name", "veth1"}, {"kind", "veth"}, {"up", true}})));
  EXPECT_FALSE(holds(check(CheckKind::link, {{"name", "veth1"}, {"up", false}})));
  EXPECT_TRUE(holds(check(CheckKind::address, {{"link", "veth1"}, {"is", "11.11.11.2/24"}})));
  EXPECT_FALSE(holds(check(CheckKind::address, {{"link", "veth1"}, {"is", "11.11.11.2/32"}})));
  EXPECT_TRUE(holds(check(CheckKind::route, {{"to", "11.11.11.0/24"}, {"dev", "veth1"}})));
  EXPECT_FALSE(holds(check(CheckKind::route, {{"to", "default"}})));
  EXPECT_TRUE(holds(check(CheckKind::netns, {{"name", "BLUE"}}, "")));
  EXPECT_FALSE(holds(check(CheckKind::netns, {{"name", "GREEN"}}, "")));
  EXPECT_FALSE(holds(check(CheckKind::link, {{"name", "lo"}}, "GREEN")));
  EXPECT_FALSE(holds(check(CheckKind::sysctl, {{"key", "net/ipv4/no_such"}, {"is", "1"}})));
}

TEST_F(Labs, PingTellsThreeFailuresApart) {
  wire(true);
  auto answer = [this](Ipv4 to, Millis patience) {
    auto got = labs::ping(red_.get(), to, patience);
    EXPECT_TRUE(got) << got.error().message();
    return got ? *got : PingAnswer::none;
  };
  EXPECT_EQ(answer(Ipv4(11, 11, 11, 3), Millis(10'000)), PingAnswer::reply);
  EXPECT_EQ(answer(Ipv4(8, 8, 8, 8), Millis(10'000)), PingAnswer::net_unreachable);
  EXPECT_EQ(answer(Ipv4(11, 11, 11, 9), Millis(30'000)), PingAnswer::host_unreachable);
  EXPECT_TRUE(holds(check(CheckKind::neighbor, {{"ip", "11.11.11.3"}, {"resolved", true}})));
  EXPECT_TRUE(holds(check(CheckKind::neighbor, {{"ip", "11.11.11.9"}, {"resolved", false}})));
}

TEST_F(Labs, PageOfNobody) {
  wire(true);
  auto page = get_page(red_.get(), Ipv4(11, 11, 11, 3), 80);
  ASSERT_FALSE(page);
  EXPECT_NE(page.error().message().find("http://11.11.11.3:80/"), std::string::npos);
}

TEST_F(Labs, NamesAreAskedForOverUdp) {
  wire(true);
  Fd server = *probe_socket(blue_.get(), SOCK_DGRAM, 0);
  sockaddr_in own{};
  own.sin_family = AF_INET;
  own.sin_port = htons(53);
  ASSERT_EQ(::bind(server.get(), reinterpret_cast<const sockaddr*>(&own), sizeof own), 0);
  std::thread answering([&server] {
    pollfd waiting{server.get(), POLLIN, 0};
    if (::poll(&waiting, 1, 30'000) != 1) return;
    char message[512];
    sockaddr_in from{};
    socklen_t size = sizeof from;
    const ssize_t got = ::recvfrom(server.get(), message, sizeof message, 0,
                                   reinterpret_cast<sockaddr*>(&from), &size);
    std::string answer(message, got > 0 ? static_cast<size_t>(got) : 0);
    answer[2] = '\x81';  // An answer,
    answer[7] = 1;       // with one record for the name at offset 12.
    answer += std::string("\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\x0b\x0b\x0b\x07", 16);
    ::sendto(server.get(), answer.data(), answer.size(), 0,
             reinterpret_cast<const sockaddr*>(&from), size);
  });
  auto found = ask_dns(red_.get(), Ipv4(11, 11, 11, 3), 53, "web.example");
  answering.join();
  ASSERT_TRUE(found) << found.error().message();
  ASSERT_EQ(found->size(), 1U);
  EXPECT_EQ(found->front(), Ipv4(11, 11, 11, 7));
  auto nobody = ask_dns(red_.get(), Ipv4(8, 8, 8, 8), 53, "web");
  ASSERT_FALSE(nobody);
  EXPECT_NE(nobody.error().message().find("8.8.8.8"), std::string::npos);
}

TEST_F(Labs, CapturedProgramsMayLeaveOthersBehind) {
  auto done = capture({"sh", "-c", "sleep 600 & echo $!; exit 3"}, netns());
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_EQ(done->code, 3);
  ::kill(std::atoi(done->output.c_str()), SIGKILL);
  EXPECT_FALSE(capture({"no-such-program"}, netns()));
  auto read = capture({"cat"}, -1, std::string(300000, 'x'));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->output.size(), 300000U);
}

TEST_F(Labs, TypedShellKeepsItsStateAndCodes) {
  auto shell = TypedShell::start();
  ASSERT_TRUE(shell) << shell.error().message();
  ASSERT_TRUE(shell->type("a=5"));
  auto said = shell->type("echo $((a + 1)); false");
  ASSERT_TRUE(said);
  EXPECT_EQ(said->output, "6\n");
  EXPECT_EQ(said->code, 1);
  EXPECT_FALSE(shell->type("exit 0"));
}

}  // namespace

}  // namespace hoplab::labs
