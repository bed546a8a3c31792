#include <gtest/gtest.h>

#include "cmd/image_whoami_answer.h"

namespace hoplab::cmd {
namespace {

web::HttpRequest request(const std::string& target) {
  web::HttpRequest request;
  request.target = target;
  request.path = target.substr(0, target.find('?'));
  if (auto mark = target.find('?'); mark != std::string::npos) {
    request.query = web::Query::parse(target.substr(mark + 1));
  }
  request.headers = {{"host", "10.96.0.7"},
                     {"user-agent", "curl/7.88.1"},
                     {"X-B", "2"},
                     {"accept", "*/*"},
                     {"X-A", "1"}};
  request.peer.address = "172.16.1.5";
  request.peer.port = 41234;
  return request;
}

const WhoamiIdentity identity{"", "whoami-abc", {"127.0.0.1", "172.16.1.6"}};

// The expected text is traefik/whoami v1.6's for the same request (facts/services.md 6.4).
TEST(Whoami, AnswersAsTheImageDoes) {
  EXPECT_EQ(whoami_text(identity, request("/a?b=c")),
            "Hostname: whoami-abc\nIP: 127.0.0.1\nIP: 172.16.1.6\nRemoteAddr: 172.16.1.5:41234\n"
            "GET /a?b=c HTTP/1.1\r\nHost: 10.96.0.7\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\n"
            "X-A: 1\r\nX-B: 2\r\n\r\n");
  WhoamiIdentity named = identity;
  named.name = "blue";
  EXPECT_TRUE(whoami_text(named, request("/")).starts_with("Name: blue\nHostname: "));
  web::HttpRequest post = request("/");
  post.method = "POST";
  post.headers.erase("user-agent");
  post.body = "hello";
  std::string text = whoami_text(identity, post);
  EXPECT_NE(text.find("User-Agent: Go-http-client/1.1\r\nContent-Length: 5\r\nAccept"),
            std::string::npos);
  EXPECT_TRUE(text.ends_with("\r\n\r\nhello"));
}

TEST(Whoami, ApiKeepsTheOrderOfKeys) {
  EXPECT_EQ(whoami_api(identity, request("/api")),
            "{\"hostname\":\"whoami-abc\",\"ip\":[\"127.0.0.1\",\"172.16.1.6\"],"
            "\"headers\":{\"Accept\":[\"*/*\"],\"User-Agent\":[\"curl/7.88.1\"],\"X-A\":[\"1\"],"
            "\"X-B\":[\"2\"]},\"url\":\"/api\",\"host\":\"10.96.0.7\",\"method\":\"GET\","
            "\"remoteAddr\":\"172.16.1.5:41234\"}\n");
}

TEST(Whoami, ReadsGoDurations) {
  EXPECT_EQ(parse_go_duration("1.5s"), Millis(1500));
  EXPECT_EQ(parse_go_duration("1m30s"), Millis(90'000));
  EXPECT_EQ(parse_go_duration("20ms"), Millis(20));
  for (const char* bad : {"", "5", "-1s", "1y", "s", "nan", "9999h"}) {
    EXPECT_FALSE(parse_go_duration(bad)) << bad;
  }
}

TEST(Whoami, DataIsBounded) {
  EXPECT_EQ(whoami_data_size(request("/data?size=2&unit=KB")), 2048);
  EXPECT_EQ(whoami_data_size(request("/data")), 1);
  EXPECT_EQ(whoami_data_size(request("/data?size=-4")), 0);
  EXPECT_EQ(whoami_data_size(request("/data?size=999999999&unit=tb")), int64_t{1} << 30);
  EXPECT_EQ(whoami_data(5, 0, 5), "|ABC|");
  EXPECT_EQ(whoami_data(60, 0, 60), whoami_data(60, 0, 30) + whoami_data(60, 30, 30));
}

}  // namespace
}  // namespace hoplab::cmd
