// The HTTP server and client against each other over loopback, TLS and plain.

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <chrono>
#include <thread>

#include "web/http_client.h"
#include "web/http_head.h"
#include "web/http_server.h"
#include "web/openssl.h"
#include "web/pki.h"

namespace hoplab::web {
namespace {

class EchoHandler : public HttpHandler {
 public:
  HttpResponse handle(const HttpRequest& request) override {
    if (request.path == "/stream") {
      HttpResponse response = text_response(200, "");
      response.stream = [](BodyWriter& out) {
        for (int i = 0; i < 3; ++i) out.write("line " + std::to_string(i) + "\n");
      };
      return response;
    }
    if (request.path == "/wait") {
      HttpResponse response = text_response(200, "");
      response.stream = [this](BodyWriter& out) {
        ++waiting;
        while (out.open()) std::this_thread::sleep_for(Millis(10));
        --waiting;
      };
      return response;
    }
    if (request.path == "/throw") throw std::runtime_error("boom");
    if (request.path == "/who") return text_response(200, request.peer.user);
    return text_response(200, request.method + " " + request.target + " " + request.body);
  }
  std::optional<HttpResponse> upgrade(const HttpRequest& request, Connection& io) override {
    if (request.path != "/echo") return text_response(404, "no");
    if (!io.write_all("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
                      "Upgrade: echo\r\n\r\n")) {
      return std::nullopt;
    }
    char data[100];
    for (;;) {
      auto got = io.read_some(data, sizeof data, Millis(5000));
      if (!got || *got == 0 || !io.write_all({data, *got})) return std::nullopt;
    }
  }
  std::atomic<int> waiting{0};
};

class HttpTest : public testing::Test {
 protected:
  void SetUp() override {
    ca_ = *make_ca("test");
    HttpServerOptions options;
    options.max_body = 100'000;
    options.head_timeout = Millis(300);
    options.body_timeout = Millis(300);
    options.handshake_timeout = Millis(300);
    options.grace = Millis(200);
    server_ = *HttpServer::open(handler_, options, Log("test", 2, LogLevel::error));
    Fd tls = *listen_tcp(Ipv4(127, 0, 0, 1), 0);
    Fd plain = *listen_tcp(Ipv4(127, 0, 0, 1), 0);
    tls_port_ = *local_port(tls.get());
    plain_port_ = *local_port(plain.get());
    KeyPair own = *issue_certificate(ca_, api_server_request({}));
    ASSERT_TRUE(server_->adopt(std::move(tls), *TlsContext::server(ca_.certificate_pem, own)));
    ASSERT_TRUE(server_->adopt(std::move(plain), std::nullopt));
    thread_ = std::thread([this] { server_->run(); });
  }
  void TearDown() override {
    server_->stop();
    thread_.join();
  }
  HttpTarget target(const KeyPair& own = {}) {
    HttpTarget out;
    out.endpoint = {"127.0.0.1", tls_port_};
    out.tls = *TlsContext::client(ca_.certificate_pem, own);
    return out;
  }
  std::string raw(const std::string& text) {
    auto io = *Connection::connect({"127.0.0.1", plain_port_}, nullptr, "", Millis(1000));
    EXPECT_TRUE(io->write_all(text));
    std::string out;
    char data[4096];
    for (;;) {
      auto got = io->read_some(data, sizeof data, Millis(20'000));
      EXPECT_TRUE(got || got.error().code() != ErrorCode::timed_out) << "no end in sight";
      if (!got || *got == 0) return out;
      out.append(data, *got);
    }
  }

  KeyPair ca_;
  EchoHandler handler_;
  std::unique_ptr<HttpServer> server_;
  std::thread thread_;
  uint16_t tls_port_ = 0;
  uint16_t plain_port_ = 0;
};

HttpRequest request(const std::string& method, const std::string& target,
                    const std::string& body = "") {
  HttpRequest out;
  out.method = method;
  out.target = out.path = target;
  out.body = body;
  return out;
}

TEST_F(HttpTest, KeepsOneConnectionAliveAndKnowsTheClient) {
  HttpClient client(target(*issue_certificate(ca_, client_request("alice", {"g1", "g2"}))));
  for (int i = 0; i < 5; ++i) {
    auto got = client.send(request("GET", "/who"));
    ASSERT_TRUE(got) << got.error().message();
    EXPECT_EQ(got->body, "alice");
  }
  EXPECT_EQ(server_->connections(), 1U);
  HttpClient anonymous(target());
  EXPECT_EQ(anonymous.send(request("GET", "/who"))->body, "");
}

TEST_F(HttpTest, ACertificateThatDoesNotHoldIsNobodys) {
  KeyPair foreign = *make_ca("foreign");
  CertificateRequest no_client = api_server_request({});
  for (const KeyPair& pair : {*issue_certificate(foreign, client_request("mallory", {})),
                              *issue_certificate(ca_, no_client)}) {
    HttpClient client(target(pair));
    for (int i = 0; i < 2; ++i) {
      auto got = client.send(request("GET", "/who"));
      ASSERT_TRUE(got) << got.error().message();
      EXPECT_EQ(got->body, "");
    }
  }
}

TEST_F(HttpTest, ClientRefusesAServerOfAForeignCa) {
  HttpTarget wrong = target();
  wrong.tls = *TlsContext::client(make_ca("foreign")->certificate_pem, {});
  auto got = HttpClient(wrong).send(request("GET", "/"));
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code(), ErrorCode::unauthorized) << got.error().message();
  wrong.tls = *TlsContext::client_of_anyone();
  auto probed = HttpClient(wrong).send(request("GET", "/"));
  EXPECT_TRUE(probed) << probed.error().message();
  HttpTarget misnamed = target();
  misnamed.server_name = "elsewhere";
  EXPECT_FALSE(HttpClient(misnamed).send(request("GET", "/")));
}

TEST_F(HttpTest, EveryMethodCarriesItsBody) {
  HttpClient client(target());
  for (const char* method : {"POST", "PUT", "PATCH", "DELETE", "GET"}) {
    auto got = client.send(request(method, "/p?a=1&a=1", "hello"));
    ASSERT_TRUE(got) << got.error().message();
    EXPECT_EQ(got->body, std::string(method) + " /p?a=1&a=1 hello");
  }
  EXPECT_EQ(server_->connections(), 1U);
}

TEST_F(HttpTest, StreamsInChunks) {
  HttpClient client(target());
  EXPECT_EQ(client.send(request("GET", "/stream"))->body, "line 0\nline 1\nline 2\n");
  EXPECT_EQ(client.send(request("GET", "/who"))->status, 200);
  EXPECT_EQ(server_->connections(), 1U);
}

TEST_F(HttpTest, ChunkedBodyIsReadAndLimited) {
  std::string head =
      "DELETE /d HTTP/1.1\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n";
  EXPECT_NE(raw(head + "5\r\nhello\r\n0\r\n\r\n").find("DELETE /d hello"), std::string::npos);
  std::string chunk = "ffff\r\n" + std::string(0xffff, 'x') + "\r\n";
  std::string big = head;
  for (int i = 0; i < 12; ++i) big += chunk;
  EXPECT_TRUE(raw(big).starts_with("HTTP/1.1 413")) << raw(big).substr(0, 200);
}

TEST_F(HttpTest, TooLargeBodyGetsItsAnswerNotAReset) {
  HttpClient client(target());
  auto got = client.send(request("POST", "/p", std::string(10'000'000, 'x')));
  ASSERT_TRUE(got) << got.error().message();
  EXPECT_EQ(got->status, 413);
}

TEST_F(HttpTest, BrokenHeadsAreRefused) {
  EXPECT_TRUE(raw("GARBAGE\r\n\r\n").starts_with("HTTP/1.1 400"));
  EXPECT_TRUE(raw("GET nopath HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 400"));
  EXPECT_TRUE(raw("POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n")
                  .starts_with("HTTP/1.1 400"));
  EXPECT_TRUE(raw("GET / HTTP/1.1\r\nX: " + std::string(100'000, 'x') + "\r\n\r\n")
                  .starts_with("HTTP/1.1 431"));
  std::string ranges = "GET / HTTP/1.1\r\nConnection: close\r\nRange: bytes=1-2";
  for (int i = 0; i < 2000; ++i) ranges += ",1-2";
  EXPECT_TRUE(raw(ranges + "\r\n\r\n").starts_with("HTTP/1.1 200"));
  std::string path = "GET /" + std::string(20'000, 'p') + " HTTP/1.1\r\nConnection: close\r\n\r\n";
  EXPECT_TRUE(raw(path).starts_with("HTTP/1.1 200"));
}

TEST_F(HttpTest, WhoStopsHalfwayIsCutOff) {
  EXPECT_EQ(raw("GET / HTTP/1.1\r\nX: "), "");
  const std::string half = raw("POST /p HTTP/1.1\r\nContent-Length: 100\r\n\r\nhalf of it");
  EXPECT_TRUE(half.starts_with("HTTP/1.1 400")) << half;
  EXPECT_NE(half.find("the request's body is broken"), std::string::npos) << half;
  // A connection to the TLS port that never says anything.
  auto silent = *Connection::connect({"127.0.0.1", tls_port_}, nullptr, "", Millis(1000));
  char data[1];
  auto got = silent->read_some(data, sizeof data, Millis(20'000));
  EXPECT_TRUE(!got || *got == 0) << "the server sent something";
  EXPECT_TRUE(got || got.error().code() != ErrorCode::timed_out) << "the server waits";
  for (int i = 0; i < 1000 && server_->connections() > 0; ++i) {
    std::this_thread::sleep_for(Millis(10));
  }
  EXPECT_EQ(server_->connections(), 0U);
}

TEST_F(HttpTest, AnExceptionIsA500AndTheServerLives) {
  HttpClient client(target());
  EXPECT_EQ(client.send(request("GET", "/throw"))->status, 500);
  EXPECT_EQ(client.send(request("GET", "/who"))->status, 200);
}

TEST_F(HttpTest, UpgradeIsFullDuplex) {
  HttpClient client(target());
  HttpRequest upgrade = request("POST", "/echo");
  upgrade.headers = {{"Connection", "Upgrade"}, {"Upgrade", "echo"}};
  auto stream = client.stream(upgrade);
  ASSERT_TRUE(stream) << stream.error().message();
  EXPECT_EQ((*stream)->head().status, 101);
  auto io = (*stream)->take_connection();
  ASSERT_TRUE(io->write_all("ping"));
  char data[4];
  ASSERT_TRUE(io->read_exactly(data, 4, Millis(2000)));
  EXPECT_EQ(std::string(data, 4), "ping");
}

TEST_F(HttpTest, AStreamEndsWhenTheClientGoes) {
  HttpClient client(target());
  {
    auto stream = client.stream(request("GET", "/wait"));
    ASSERT_TRUE(stream);
    for (int i = 0; i < 200 && handler_.waiting == 0; ++i) std::this_thread::sleep_for(Millis(10));
    EXPECT_EQ(handler_.waiting, 1);
  }
  for (int i = 0; i < 200 && handler_.waiting > 0; ++i) std::this_thread::sleep_for(Millis(10));
  EXPECT_EQ(handler_.waiting, 0);
}

TEST_F(HttpTest, StopEndsIdleAndStreamingConnections) {
  HttpClient client(target());
  auto stream = client.stream(request("GET", "/wait"));
  ASSERT_TRUE(stream);
  ASSERT_TRUE(client.send(request("GET", "/who")));
  auto start = std::chrono::steady_clock::now();
  server_->stop();
  while (server_->connections() > 0) std::this_thread::sleep_for(Millis(5));
  EXPECT_LT(std::chrono::steady_clock::now() - start, Millis(2500));
}

TEST(Query, KeepsRepetitionsAndOrder) {
  Query query = Query::parse("command=a&command=a+b&x=%2F&y");
  EXPECT_EQ(query.all("command"), (std::vector<std::string>{"a", "a b"}));
  EXPECT_EQ(query.get("x"), "/");
  EXPECT_TRUE(query.has("y"));
  EXPECT_EQ(query.text(), "command=a&command=a%20b&x=%2F&y=");
}

TEST(Pki, MakesEveryFileOfTheCluster) {
  ClusterPkiOptions options;
  options.nodes = {{"k8s-m", "192.168.10.10"}, {"k8s-w1", "192.168.10.101"}};
  options.server_addresses = {"192.168.10.10"};
  auto files = make_cluster_pki(options);
  ASSERT_TRUE(files);
  EXPECT_EQ(files->size(), 20U);
  // The roles on every node hold no key that opens the agents' exec.
  for (const PkiFile& file : *files) {
    if (file.name != "calico-node.crt" && file.name != "kube-proxy.crt") continue;
    const X509Ptr certificate = *read_certificate(file.text);
    char subject[256] = "";
    X509_NAME_oneline(X509_get_subject_name(certificate.get()), subject, sizeof subject);
    EXPECT_EQ(std::string_view(subject).find("system:masters"), std::string_view::npos) << subject;
  }
}

}  // namespace
}  // namespace hoplab::web
