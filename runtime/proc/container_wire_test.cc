#include "runtime/proc/container_wire.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

namespace hoplab::proc {
namespace {

std::pair<MessageSocket, MessageSocket> socket_pair() {
  std::array<int, 2> ends{};
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()), 0);
  return {MessageSocket(Fd(ends[0])), MessageSocket(Fd(ends[1]))};
}

TEST(MessageAssembler, JoinsPackets) {
  Json big{{"text", std::string(100'000, 'x')}};
  auto packets = to_packets(big);
  ASSERT_TRUE(packets);
  EXPECT_EQ(packets->size(), 4U);
  MessageAssembler assembler;
  for (size_t i = 0; i < packets->size(); ++i) {
    EXPECT_LE((*packets)[i].size(), max_packet);
    auto result = assembler.feed((*packets)[i]);
    ASSERT_TRUE(result);
    EXPECT_EQ(result->has_value(), i + 1 == packets->size());
    if (*result) {
      EXPECT_EQ(**result, big);
    }
  }
  auto next = assembler.feed(std::string("\0{\"a\":1}", 8));
  ASSERT_TRUE(next);
  EXPECT_EQ(next->value(), Json({{"a", 1}}));
}

TEST(MessageAssembler, RefusesWhatIsNoMessage) {
  EXPECT_FALSE(MessageAssembler().feed(""));
  EXPECT_FALSE(MessageAssembler().feed("\x07{}"));
  EXPECT_FALSE(MessageAssembler().feed(std::string("\0[1]", 4)));
  EXPECT_FALSE(MessageAssembler().feed(std::string("\0{", 2)));
}

TEST(MessageAssembler, BoundsTheMessage) {
  MessageAssembler assembler;
  std::string packet(max_packet, 'x');
  packet[0] = 1;
  size_t fed = 0;
  Result<std::optional<Json>> result = std::optional<Json>{};
  while (fed < 2 * max_message && (result = assembler.feed(packet))) fed += packet.size() - 1;
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), ErrorCode::too_large);
  EXPECT_LE(fed, max_message);
  EXPECT_FALSE(to_packets(Json(std::string(max_message, 'x'))));
}

TEST(MessageSocket, CarriesDescriptors) {
  auto [left, right] = socket_pair();
  auto pipe = make_pipe();
  ASSERT_TRUE(pipe);
  ASSERT_TRUE(left.send({{"op", "x"}}, {pipe->write_end.get()}));
  auto message = right.receive(Millis(1000));
  ASSERT_TRUE(message);
  ASSERT_TRUE(*message);
  ASSERT_EQ((*message)->descriptors.size(), 1U);
  ASSERT_TRUE(write_all((*message)->descriptors[0].get(), "hi"));
  std::array<char, 2> text{};
  EXPECT_EQ(::read(pipe->read_end.get(), text.data(), 2), 2);
  EXPECT_EQ(std::string_view(text.data(), 2), "hi");
}

TEST(MessageSocket, QueuesWhatThePeerDoesNotTakeYet) {
  auto [left, right] = socket_pair();
  Json big{{"text", std::string(2'000'000, 'y')}};
  ASSERT_TRUE(left.queue(big));
  EXPECT_TRUE(left.wants_to_write());
  for (int i = 0; i < 1000; ++i) {
    auto message = right.receive_ready();
    ASSERT_TRUE(message);
    if (*message) {
      EXPECT_EQ((*message)->body, big);
      return;
    }
    ASSERT_TRUE(left.flush());
  }
  FAIL() << "the message never arrived";
}

TEST(MessageSocket, SaysWhenThePeerIsGone) {
  auto [left, right] = socket_pair();
  { MessageSocket gone = std::move(right); }
  EXPECT_EQ(left.receive(Millis(0)).error().code(), ErrorCode::unavailable);
  EXPECT_EQ(left.send({{"a", 1}}).error().code(), ErrorCode::unavailable);
  EXPECT_EQ(MessageSocket::connect("/nonexistent/x").error().code(), ErrorCode::unavailable);
  EXPECT_EQ(MessageSocket::connect(std::string(200, 'x')).error().code(), ErrorCode::invalid);
}

TEST(Wire, ErrorsKeepCodeAndMessage) {
  auto back = error_from_json(error_to_json(Error(ErrorCode::not_found, "no such container")));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->code(), ErrorCode::not_found);
  EXPECT_EQ(back->message(), "no such container");
  EXPECT_FALSE(error_from_json({{"ok", true}}));
}

}  // namespace
}  // namespace hoplab::proc
