#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "cmd/image_nginx_site.h"
#include "runtime/base/fd.h"

namespace hoplab::cmd {
namespace {

using ::testing::HasSubstr;

class Nginx : public ::testing::Test {
 protected:
  Nginx() {
    std::string pattern = ::testing::TempDir() + "hoplab-nginx-XXXXXX";
    root_ = ::mkdtemp(pattern.data());
    std::filesystem::create_directories(root_ + "/site/empty");
    EXPECT_TRUE(write_file(root_ + "/site/index.html", "hello"));
    EXPECT_TRUE(write_file(root_ + "/secret", "no"));
    access_ = *open_fd(root_ + "/access", O_WRONLY | O_CREAT | O_APPEND);
    error_ = *open_fd(root_ + "/error", O_WRONLY | O_CREAT | O_APPEND);
  }
  ~Nginx() override { std::filesystem::remove_all(root_); }
  Nginx(const Nginx&) = delete;
  Nginx& operator=(const Nginx&) = delete;

  web::HttpResponse get(const std::string& path, const web::Headers& headers = {},
                        const std::string& method = "GET") {
    web::HttpRequest request;
    request.method = method;
    request.target = request.path = path;
    request.headers = headers;
    request.headers.emplace("Host", "web");
    request.peer.address = "172.16.1.5";
    return NginxSite(root_ + "/site", access_.get(), error_.get()).handle(request);
  }

  std::string root_;
  Fd access_;
  Fd error_;
};

TEST_F(Nginx, ServesTheIndexWithItsHeaders) {
  auto response = get("/", {{"User-Agent", "curl/7.88.1"}});
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "hello");
  EXPECT_EQ(response.content_type, "text/html");
  EXPECT_EQ(web::header_of(response.headers, "Server"), "nginx/1.21.6");
  EXPECT_EQ(web::header_of(response.headers, "Accept-Ranges"), "bytes");
  EXPECT_THAT(
      *read_file(root_ + "/access"),
      ::testing::MatchesRegex("172.16.1.5 - - \\[.*\\+0000\\] \"GET / HTTP/1.1\" 200 5 \"-\" "
                              "\"curl/7.88.1\" \"-\"\n"));
  std::string tag = web::header_of(response.headers, "ETag");
  EXPECT_EQ(get("/index.html", {{"If-None-Match", tag}}).status, 304);
}

TEST_F(Nginx, AnswersErrorsAsNginx) {
  auto missing = get("/nope");
  EXPECT_EQ(missing.status, 404);
  EXPECT_THAT(missing.body, HasSubstr("<center><h1>404 Not Found</h1></center>"));
  EXPECT_THAT(*read_file(root_ + "/error"), HasSubstr("/site/nope\" failed (2: No such file"));
  EXPECT_EQ(get("/empty/").status, 403);
  auto moved = get("/empty");
  EXPECT_EQ(moved.status, 301);
  EXPECT_EQ(web::header_of(moved.headers, "Location"), "http://web/empty/");
  EXPECT_EQ(get("/", {}, "DELETE").status, 405);
}

TEST_F(Nginx, StaysInItsRoot) {
  for (const char* path : {"/../secret", "/empty/../../secret", "/%2e", "/..", "/x/../.."}) {
    EXPECT_NE(get(path).status, 200) << path;
  }
  EXPECT_EQ(get(std::string("/index.html\0x", 13)).status, 400);
  EXPECT_EQ(get("/empty/../index.html").status, 200);
}

TEST_F(Nginx, LogLinesCannotBeForged) {
  get("/x\n127.0.0.1 - - forged", {{"User-Agent", "a\"b\x01"}});
  std::string log = *read_file(root_ + "/access");
  EXPECT_EQ(std::count(log.begin(), log.end(), '\n'), 1);
  EXPECT_THAT(log, HasSubstr("/x\\x0A127.0.0.1"));
  EXPECT_THAT(log, HasSubstr("a\\x22b\\x01"));
  get("/none\n[emerg] forged/");
  std::string errors = *read_file(root_ + "/error");
  EXPECT_EQ(std::count(errors.begin(), errors.end(), '\n'), 2);
  EXPECT_THAT(errors, HasSubstr("/none\\x0A[emerg] forged/index.html\" is not found"));
}

}  // namespace
}  // namespace hoplab::cmd
