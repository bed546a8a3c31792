// SPDY frames, and exec, attach, logs and port-forward through the streaming endpoint.

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <future>
#include <stdexcept>
#include <thread>

#include "web/pki.h"
#include "web/remote_command.h"
#include "web/spdy.h"
#include "web/stream_server.h"
#include "web/stream_session.h"
#include "web/stream_test_backend.h"

namespace hoplab::web {
namespace {

uint32_t adler32(std::string_view text) {
  uint32_t a = 1;
  uint32_t b = 0;
  for (char c : text) {
    a = (a + static_cast<uint8_t>(c)) % 65521;
    b = (b + a) % 65521;
  }
  return b << 16U | a;
}

TEST(SpdyFrame, DictionaryIsTheSpecifications) {
  EXPECT_EQ(spdy::dictionary().size(), 1423U);
  EXPECT_EQ(adler32(spdy::dictionary()), 0xe3c6a7c2U);
}

TEST(SpdyFrame, HeaderBlocksShareAState) {
  spdy::HeaderWriter writer;
  spdy::HeaderReader reader;
  for (int i = 0; i < 5; ++i) {
    Headers headers{{"streamtype", "stdin"}, {"n", std::to_string(i)}};
    auto back = reader.read(*writer.write(headers));
    ASSERT_TRUE(back) << back.error().message();
    EXPECT_EQ(*back, headers);
  }
  EXPECT_FALSE(reader.read("not compressed"));
  EXPECT_FALSE(reader.read(*writer.write({})));  // After damage nothing can be trusted.
}

TEST(SpdyFrame, Heads) {
  auto data = spdy::read_frame_head(spdy::data_frame_head(5, true, 70'000));
  EXPECT_FALSE(data.control);
  EXPECT_EQ(data.stream, 5U);
  EXPECT_EQ(data.flags, spdy::flag_fin);
  EXPECT_EQ(data.size, 70'000U);
  auto ping =
      spdy::read_frame_head(spdy::control_frame(spdy::ControlType::ping, 0, "1234").substr(0, 8));
  EXPECT_TRUE(ping.control);
  EXPECT_EQ(ping.version, 3);
  EXPECT_EQ(ping.type, 6);
  EXPECT_EQ(ping.size, 4U);
}

/// Two connections that talk to each other, without TLS.
std::pair<std::unique_ptr<Connection>, std::unique_ptr<Connection>> connection_pair() {
  int ends[2] = {-1, -1};
  EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
  return {std::make_unique<Connection>(Fd(ends[0]), nullptr, -1),
          std::make_unique<Connection>(Fd(ends[1]), nullptr, -1)};
}

TEST(SpdySession, LivesLongerThanAnyNumberOfStreams) {
  auto [ours, theirs] = connection_pair();
  spdy::Session client(*ours, spdy::Session::Side::client);
  std::thread peer([&client] {
    spdy::Session::Events nothing;
    nothing.data = [](uint32_t, std::string_view, bool) {};
    (void)client.run(nothing);  // Takes the answers.
  });
  spdy::Session server(*theirs, spdy::Session::Side::server);
  std::thread opener([&client] {
    for (int i = 0; i < 10'000; ++i) {
      auto stream = client.open({{"streamtype", "data"}});
      if (!stream || !client.write(*stream, {}, true)) break;
    }
    (void)client.go_away();
  });
  int opened = 0;
  spdy::Session::Events events;
  events.opened = [&opened](uint32_t, const Headers&) { ++opened; };
  events.data = [](uint32_t, std::string_view, bool) {};
  auto ended = server.run(events);
  theirs->cut();
  opener.join();
  peer.join();
  EXPECT_TRUE(ended) << ended.error().message();
  EXPECT_EQ(opened, 10'000);
}

TEST(SpdySession, AStreamsNumberMustRise) {
  auto [ours, theirs] = connection_pair();
  spdy::HeaderWriter headers;
  for (uint32_t stream : {3U, 1U}) {
    std::string opening = spdy::big_endian(stream) + spdy::big_endian(0) + std::string(2, '\0') +
                          *headers.write({{"streamtype", "data"}});
    ASSERT_TRUE(ours->write_all(spdy::control_frame(spdy::ControlType::syn_stream, 0, opening)));
  }
  spdy::Session server(*theirs, spdy::Session::Side::server);
  spdy::Session::Events events;
  int opened = 0;
  events.opened = [&opened](uint32_t, const Headers&) { ++opened; };
  auto ended = server.run(events);
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().message(), "a SYN_STREAM for stream 1 after one for 3");
  EXPECT_EQ(opened, 1);
}

class StreamTest : public testing::Test {
 protected:
  void SetUp() override {
    KeyPair ca = *make_ca("test");
    HttpServerOptions options;
    options.grace = Millis(200);
    server_ = *HttpServer::open(handler_, options, Log("test", 2, LogLevel::error));
    Fd listener = *listen_tcp(Ipv4(127, 0, 0, 1), 0);
    ClientConfig config;
    config.server = "https://127.0.0.1:" + std::to_string(*local_port(listener.get()));
    config.ca_pem = ca.certificate_pem;
    config.own = *issue_certificate(ca, client_request("apiserver", {"system:masters"}));
    KeyPair own = *issue_certificate(ca, node_request("w1", "127.0.0.1"));
    ASSERT_TRUE(server_->adopt(std::move(listener), *TlsContext::server(ca.certificate_pem, own)));
    thread_ = std::thread([this] { server_->run(); });
    client_ = *Client::open(config);
    config.own = *issue_certificate(ca, client_request("mallory", {}));
    stranger_ = *Client::open(config);
  }
  void TearDown() override {
    server_->stop();
    thread_.join();
  }
  /// Output, or "ERROR …"; the exit code behind it.
  std::string exec(const std::vector<std::string>& command, const std::string& input = "",
                   const std::string& action = "exec") {
    Query query;
    for (const auto& word : command) query.add("command", word);
    for (const char* flag : {"input", "output", "error"}) query.add(flag, "1");
    auto answer = client_->open_upgrade("/" + action + "/ns/pod/c?" + query.text(),
                                        {{"Connection", "Upgrade"},
                                         {"Upgrade", "SPDY/3.1"},
                                         {"X-Stream-Protocol-Version", "v4.channel.k8s.io"}});
    if (!answer) return "ERROR " + answer.error().message();
    auto io = (*answer)->take_connection();
    spdy::Session session(*io, spdy::Session::Side::client);
    uint32_t error = *session.open({{"streamtype", "error"}});
    uint32_t in = *session.open({{"streamtype", "stdin"}});
    uint32_t out = *session.open({{"streamtype", "stdout"}});
    (void)*session.open({{"streamtype", "stderr"}});
    std::thread feeder([&] { (void)session.write(in, input, true); });
    std::string text;
    std::string status;
    spdy::Session::Events events;
    events.data = [&](uint32_t stream, std::string_view data, bool) {
      if (stream == out) text += data;
      if (stream == error) status += data;
    };
    (void)session.run(events);
    feeder.join();
    auto json = parse_json(status);
    return text + "|" + (json ? string_or(*json, "status") : "no status") + "|" +
           (json ? string_or(*json, "message") : "");
  }

  TestBackend backend_;
  StreamServer handler_{backend_, Log("test", 2, LogLevel::error)};
  std::unique_ptr<HttpServer> server_;
  std::thread thread_;
  std::unique_ptr<Client> client_;
  std::unique_ptr<Client> stranger_;
};

TEST_F(StreamTest, ExecCarriesOutputAndExitCode) {
  EXPECT_EQ(exec({"sh", "-c", "echo hello"}), "hello\n|Success|");
  EXPECT_EQ(exec({"sh", "-c", "exit 3"}),
            "|Failure|command terminated with non-zero exit code: exit status 3");
  EXPECT_EQ(exec({"missing"}), "|Failure|no such program: missing");
}

TEST_F(StreamTest, ExecEchoesMegabytes) {
  std::string data;
  for (int i = 0; i < 600'000; ++i) data += std::to_string(i % 10) + "bcd\n";
  EXPECT_EQ(exec({"cat"}, data), data + "|Success|");
}

TEST_F(StreamTest, InputThatNobodyReadsIsNoError) {
  EXPECT_EQ(exec({"true"}, std::string(6'000'000, 'x')), "|Success|");
}

TEST_F(StreamTest, AChildThatHoldsTheOutputOpenDoesNotHoldTheSession) {
  auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(exec({"sh", "-c", "sleep 20 & echo done"}), "done\n|Success|");
  EXPECT_LT(std::chrono::steady_clock::now() - start, Millis(3000));
}

TEST_F(StreamTest, AttachAlwaysEndsWithSuccess) {
  EXPECT_EQ(exec({}, "", "attach"), "hi\n|Success|");
}

TEST_F(StreamTest, AGoneClientEndsTheProcess) {
  auto answer = client_->open_upgrade("/exec/ns/pod/c?command=sleep&command=100&output=1",
                                      {{"Connection", "Upgrade"},
                                       {"Upgrade", "SPDY/3.1"},
                                       {"X-Stream-Protocol-Version", "v4.channel.k8s.io"}});
  ASSERT_TRUE(answer);
  {
    auto io = (*answer)->take_connection();
    spdy::Session session(*io, spdy::Session::Side::client);
    (void)*session.open({{"streamtype", "error"}});
    (void)*session.open({{"streamtype", "stdout"}});
    std::this_thread::sleep_for(Millis(100));
  }
  for (int i = 0; i < 300 && server_->connections() > 0; ++i) {
    std::this_thread::sleep_for(Millis(10));
  }
  EXPECT_EQ(server_->connections(), 0U);
}

TEST_F(StreamTest, OnlyTheApiServerMay) {
  auto got = stranger_->get_text("/containerLogs/ns/pod/c");
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code(), ErrorCode::forbidden);
}

TEST_F(StreamTest, Logs) {
  EXPECT_EQ(*client_->get_text("/containerLogs/ns/pod/c?tailLines=2"), "line\nline\n");
  auto missing = client_->get_text("/containerLogs/ns/pod/none");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().message(), "container none not found");
  EXPECT_FALSE(client_->get_text("/containerLogs/ns/pod/c?tailLines=many"));
  EXPECT_FALSE(client_->get_text("/containerLogs/ns"));
}

TEST(PortSession, AnExceptionEndsItsConnections) {
  auto [ours, theirs] = connection_pair();
  int ends[2] = {-1, -1};
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  Fd pod(ends[0]);
  Fd far(ends[1]);
  auto session_over = std::async(std::launch::async, [&pod, connection = theirs.get()] {
    auto dial = [&pod](uint16_t port) -> Result<Fd> {
      if (port == 80) return std::move(pod);
      throw std::runtime_error("no memory");
    };
    EXPECT_THROW(run_port_session(*connection, dial), std::runtime_error);
  });
  spdy::Session client(*ours, spdy::Session::Side::client);
  for (const char* port : {"80", "81"}) {
    for (const char* type : {"error", "data"}) {
      ASSERT_TRUE(client.open({{"streamtype", type}, {"port", port}, {"requestid", port}}));
    }
  }
  auto over = session_over.wait_for(std::chrono::seconds(20));
  EXPECT_EQ(over, std::future_status::ready) << "the first connection's thread waits for ever";
  far.reset();
}

TEST_F(StreamTest, PortForward) {
  auto answer = client_->open_upgrade("/portForward/ns/pod",
                                      {{"Connection", "Upgrade"},
                                       {"Upgrade", "SPDY/3.1"},
                                       {"X-Stream-Protocol-Version", "portforward.k8s.io"}});
  ASSERT_TRUE(answer) << answer.error().message();
  auto io = (*answer)->take_connection();
  spdy::Session session(*io, spdy::Session::Side::client);
  auto open_pair = [&](const std::string& port, const std::string& id) {
    uint32_t error = *session.open({{"streamtype", "error"}, {"port", port}, {"requestid", id}});
    uint32_t data = *session.open({{"streamtype", "data"}, {"port", port}, {"requestid", id}});
    return std::make_pair(error, data);
  };
  auto good = open_pair("80", "0");
  auto refused = open_pair("81", "1");
  (void)session.write(good.second, "ping", false);
  std::string got;
  std::string error;
  spdy::Session::Events events;
  events.data = [&](uint32_t stream, std::string_view data, bool fin) {
    if (stream == good.second) got += data;
    if (stream == refused.first) error += data;
    if (stream == refused.first && fin) {
      char text[5] = {};
      EXPECT_EQ(recv(backend_.far_end.get(), text, 4, 0), 4);
      EXPECT_EQ(std::string(text), "ping");
      EXPECT_TRUE(write_all(backend_.far_end.get(), "pong"));
      backend_.far_end.reset();
    }
    if (stream == good.first && fin) (void)session.go_away();
    if (stream == good.first && fin) io->cut();
  };
  (void)session.run(events);
  EXPECT_EQ(got, "pong");
  EXPECT_EQ(error, "error forwarding port 81 to pod: connection refused");
}

}  // namespace
}  // namespace hoplab::web
