#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "cmd/docker_change.h"
#include "cmd/docker_format.h"
#include "cmd/docker_output.h"
#include "runtime/base/test_dir.h"

namespace hoplab::cmd::docker {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

TEST(DockerFormat, SizesAndAgesAsGoUnitsPrintThem) {
  EXPECT_EQ(human_size(0), "0B");
  EXPECT_EQ(human_size(999), "999B");
  EXPECT_EQ(human_size(7'049'688), "7.05MB");
  EXPECT_EQ(human_size(141'567'890), "142MB");
  EXPECT_EQ(human_size(1'240'000'000), "1.24GB");
  EXPECT_EQ(human_duration(seconds(0)), "Less than a second");
  EXPECT_EQ(human_duration(seconds(59)), "59 seconds");
  EXPECT_EQ(human_duration(seconds(119)), "About a minute");
  EXPECT_EQ(human_duration(seconds(3600)), "About an hour");
  EXPECT_EQ(human_duration(hours(47)), "47 hours");
  EXPECT_EQ(human_duration(hours(24 * 13)), "13 days");
  EXPECT_EQ(human_duration(hours(24 * 20)), "2 weeks");
  EXPECT_EQ(human_duration(hours(24 * 400)), "13 months");
  EXPECT_EQ(human_duration(hours(24 * 365 * 3)), "3 years");
  EXPECT_EQ(created_since("", WallTime{}), "N/A");
}

const std::vector<Column> columns{{"Repository", "REPOSITORY"}, {"Tag", "TAG"}};
const std::vector<Json> rows{{{"Repository", "nginx"}, {"Tag", "latest"}, {"Labels", {"a", "b"}}}};

std::string printed(std::string_view format) {
  auto text = print_rows(format, columns, columns, rows);
  return text ? *text : "error: " + text.error().message();
}

TEST(DockerFormat, TablesAndTemplates) {
  EXPECT_EQ(printed(""), "REPOSITORY   TAG\nnginx        latest\n");
  EXPECT_EQ(printed("table {{.Tag}}\\t{{.Repository}}"), "TAG       REPOSITORY\nlatest    nginx\n");
  EXPECT_EQ(printed("{{.Repository}}:{{.Tag}}"), "nginx:latest\n");
  EXPECT_EQ(printed("{{upper .Tag}} {{join .Labels \"+\"}}"), "LATEST a+b\n");
  EXPECT_EQ(printed("json"),
            "{\"Labels\":[\"a\",\"b\"],\"Repository\":\"nginx\",\"Tag\":\"latest\"}\n");
  EXPECT_TRUE(printed("{{.Tag").starts_with("error: template parsing error: "));
}

TEST(DockerChange, ChangesWhatADockerfileWould) {
  image::ImageConfig config;
  config.env = {"A=0", "B=1"};
  for (const char* each : {"CMD [\"/bin/sh\", \"-l\"]", "ENTRYPOINT run it", "ENV A=1 C=\"2 3\"",
                           "ENV D the rest", "EXPOSE 80 53/udp 80", "LABEL a=b", "USER www-data",
                           "workdir /srv", "STOPSIGNAL SIGQUIT", "VOLUME /data"}) {
    auto done = apply_change(config, each);
    EXPECT_TRUE(done) << done.error().message();
  }
  EXPECT_EQ(config.cmd, (std::vector<std::string>{"/bin/sh", "-l"}));
  EXPECT_EQ(config.entrypoint, (std::vector<std::string>{"/bin/sh", "-c", "run it"}));
  EXPECT_EQ(config.env, (std::vector<std::string>{"B=1", "A=1", "C=2 3", "D=the rest"}));
  EXPECT_EQ(config.exposed_ports, (std::vector<std::string>{"80/tcp", "53/udp"}));
  EXPECT_EQ(config.labels.at("a"), "b");
  EXPECT_EQ(config.user, "www-data");
  EXPECT_EQ(config.working_dir, "/srv");
  for (const char* bad : {"FROM x", "CMD", "CMD [1]", "ENV A=\"open", "ENV A=1 B", "ENV A"}) {
    EXPECT_FALSE(apply_change(config, bad)) << bad;
  }
}

class DockerOutput : public ::testing::Test {
 protected:
  static Result<void> hello(int fd) { return write_all(fd, "hello"); }
  static Result<void> fail(int fd) {
    (void)write_all(fd, "half");
    return Error(ErrorCode::internal, "no more");
  }
  [[nodiscard]] std::string text(const std::string& name) const {
    return read_file(folder_.file(name)).value_or("(nothing)");
  }
  [[nodiscard]] auto entries() const {
    return std::distance(std::filesystem::directory_iterator(folder_.path()), {});
  }
  TestDir folder_;
};

TEST_F(DockerOutput, AFileIsReplacedWhenItIsComplete) {
  const std::string path = folder_.file("out.tar");
  EXPECT_FALSE(write_output(path, fail));
  EXPECT_EQ(entries(), 0);
  ASSERT_TRUE(write_file(path, "before"));
  EXPECT_FALSE(write_output(path, fail));
  EXPECT_EQ(text("out.tar"), "before");
  ASSERT_TRUE(write_output(path, hello));
  EXPECT_EQ(text("out.tar"), "hello");
  EXPECT_EQ(entries(), 1);
  struct stat info {};
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777U, 0600U);
  EXPECT_FALSE(write_output(folder_.path(), hello));
}

TEST_F(DockerOutput, FollowsNoLinksThatOthersPutBesideIt) {
  ASSERT_TRUE(write_file(folder_.file("victim"), "mine"));
  ASSERT_EQ(::symlink("victim", folder_.file("out.tar.partial").c_str()), 0);
  ASSERT_TRUE(write_output(folder_.file("out.tar"), hello));
  EXPECT_EQ(text("victim"), "mine");
  EXPECT_EQ(text("out.tar"), "hello");
}

TEST_F(DockerOutput, ReplacesWhatALinkLeadsTo) {
  ASSERT_TRUE(write_file(folder_.file("real.tar"), "before"));
  ASSERT_EQ(::symlink("real.tar", folder_.file("out.tar").c_str()), 0);
  ASSERT_TRUE(write_output(folder_.file("out.tar"), hello));
  EXPECT_EQ(text("real.tar"), "hello");
  EXPECT_TRUE(std::filesystem::is_symlink(folder_.file("out.tar")));
}

TEST_F(DockerOutput, WritesIntoAFifo) {
  const std::string path = folder_.file("pipe");
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  // Not waiting for a writer, so that a failure does not hang; the writer then never waits for us.
  Fd reader = *open_fd(path, O_RDONLY | O_NONBLOCK);
  ASSERT_TRUE(write_output(path, hello));
  EXPECT_EQ(read_all(reader.get()).value_or("(nothing)"), "hello");
  EXPECT_TRUE(std::filesystem::is_fifo(path));
}

}  // namespace
}  // namespace hoplab::cmd::docker
