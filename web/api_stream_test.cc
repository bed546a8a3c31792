// exec, attach, logs and port-forward from the client through the API to an agent.

#include <sys/socket.h>

#include "web/api_fixture.h"
#include "web/remote_command.h"
#include "web/stream_test_backend.h"

namespace hoplab::web {
namespace {

/// The API with an agent behind it.
class PassThroughTest : public ApiFixture {
 protected:
  void SetUp() override {
    Fd listener = *listen_tcp(Ipv4(127, 0, 0, 1), 0);
    kubelet_port_ = *local_port(listener.get());
    ApiFixture::SetUp();
    HttpServerOptions options;
    options.grace = Millis(200);
    agent_ = *HttpServer::open(handler_, options, Log("agent", 2, LogLevel::error));
    KeyPair own = *issue_certificate(ca_, node_request("w1", "127.0.0.1"));
    ASSERT_TRUE(agent_->adopt(std::move(listener), *TlsContext::server(ca_.certificate_pem, own)));
    agent_thread_ = std::thread([this] { agent_->run(); });
    Json node = {{"metadata", {{"name", "w1"}}}};
    ASSERT_TRUE(client_->create(kind("Node"), "", node));
    Json status = {
        {"status", {{"addresses", {{{"type", "InternalIP"}, {"address", "127.0.0.1"}}}}}}};
    ASSERT_TRUE(
        client_->patch(kind("Node"), "", "w1", PatchType::merge, status, Subresource::status));
    ASSERT_TRUE(client_->create(kind("Pod"), "default", pod("p")));
    ASSERT_TRUE(registry_->bind("default", "p", "w1"));
    ASSERT_TRUE(client_->create(kind("Pod"), "default", pod("nowhere")));
  }
  void TearDown() override {
    ApiFixture::TearDown();
    agent_->stop();
    agent_thread_.join();
  }
  struct Outcome {
    std::string output;
    std::string error;
    std::string code;  ///< Or why not.
  };
  Outcome exec(const std::vector<std::string>& command, const std::string& input = "",
               const std::string& name = "p", const std::string& container = "") {
    RemoteCommandOptions options;
    options.command = command;
    options.container = container;
    options.input = true;
    auto process = RemoteProcess::open(*client_, "default", name, options);
    if (!process) return {"", "", process.error().message()};
    Pipe in = *make_pipe();
    Pipe out = *make_pipe();
    Pipe err = *make_pipe();
    Outcome outcome;
    std::thread writer([&] {
      (void)write_all(in.write_end.get(), input);
      in.write_end.reset();
    });
    std::thread reader([&] { outcome.output = *read_all(out.read_end.get()); });
    std::thread error_reader([&] { outcome.error = *read_all(err.read_end.get()); });
    auto code = (*process)->run(in.read_end.get(), out.write_end.get(), err.write_end.get());
    out.write_end.reset();
    err.write_end.reset();
    in.read_end.reset();
    writer.join();
    reader.join();
    error_reader.join();
    outcome.code = code ? std::to_string(*code) : code.error().message();
    return outcome;
  }

  TestBackend backend_;
  StreamServer handler_{backend_, Log("agent", 2, LogLevel::error)};
  std::unique_ptr<HttpServer> agent_;
  std::thread agent_thread_;
};

TEST_F(PassThroughTest, Exec) {
  Outcome three = exec({"sh", "-c", "echo out; echo err >&2; exit 3"});
  EXPECT_EQ(three.output, "out\n");
  EXPECT_EQ(three.error, "err\n");
  EXPECT_EQ(three.code, "3");
  std::string data;
  for (int i = 0; i < 300'000; ++i) data += "0123456789";
  Outcome cat = exec({"cat"}, data);
  EXPECT_EQ(cat.output.size(), data.size());
  EXPECT_TRUE(cat.output == data);
  EXPECT_EQ(cat.code, "0");
  EXPECT_EQ(exec({"missing"}).code, "no such program: missing");
}

TEST_F(PassThroughTest, ManyAtOnce) {
  std::vector<std::thread> threads;
  std::atomic<int> good{0};
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      for (int k = 0; k < 3; ++k) {
        Outcome got =
            exec({"sh", "-c", "cat; exit " + std::to_string(i)}, std::string(100'000, 'x'));
        if (got.output.size() == 100'000 && got.code == std::to_string(i)) ++good;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(good, 24);
}

TEST_F(PassThroughTest, SaysWhyNot) {
  EXPECT_EQ(exec({"true"}, "", "nix").code, "pods \"nix\" not found");
  EXPECT_EQ(exec({"true"}, "", "nowhere").code, "pod nowhere does not have a host assigned");
  EXPECT_EQ(exec({"true"}, "", "p", "x").code, "container x is not valid for pod p");
  agent_->stop();
  agent_thread_.join();
  agent_.reset();
  agent_ = *HttpServer::open(handler_, {}, Log("agent", 2, LogLevel::error));
  agent_thread_ = std::thread([this] { agent_->run(); });
  EXPECT_NE(exec({"true"}).code.find("connecting to 127.0.0.1"), std::string::npos);
}

TEST_F(PassThroughTest, Attach) {
  Outcome got = exec({});
  EXPECT_EQ(got.output, "hi\n");
  EXPECT_EQ(got.code, "0");
}

TEST_F(PassThroughTest, Logs) {
  EXPECT_EQ(*client_->get_text("/api/v1/namespaces/default/pods/p/log?tailLines=3"),
            "line\nline\nline\n");
  auto wrong = client_->get_text("/api/v1/namespaces/default/pods/p/log?container=x");
  EXPECT_EQ(wrong.error().message(), "container x is not valid for pod p");
}

TEST_F(PassThroughTest, PortForward) {
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  Fd mine(ends[0]);
  Result<void> done;
  std::thread forward(
      [&] { done = forward_connection(*client_, "default", "p", 80, Fd(ends[1])); });
  ASSERT_TRUE(write_all(mine.get(), "ping"));
  for (int i = 0; i < 300 && !backend_.dialled; ++i) std::this_thread::sleep_for(Millis(10));
  char text[5] = {};
  EXPECT_EQ(recv(backend_.far_end.get(), text, 4, 0), 4);
  EXPECT_TRUE(write_all(backend_.far_end.get(), "pong!"));
  backend_.far_end.reset();
  EXPECT_EQ(*read_all(mine.get()), "pong!");
  mine.reset();
  forward.join();
  EXPECT_TRUE(done) << done.error().message();
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  mine = Fd(ends[0]);
  auto refused = forward_connection(*client_, "default", "p", 81, Fd(ends[1]));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message(), "error forwarding port 81 to pod: connection refused");
}

}  // namespace
}  // namespace hoplab::web
