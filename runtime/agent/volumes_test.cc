#include "runtime/agent/volumes.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <set>
#include <thread>

#include "runtime/agent/volume_owner.h"
#include "runtime/base/fd.h"
#include "runtime/base/test_dir.h"

namespace hoplab::agent {
namespace {

using namespace std::string_literals;

class VolumesTest : public testing::Test {
 protected:
  std::string root_ = testing::TempDir() + "hoplab_volumes." + std::to_string(getpid());
  Volumes volumes_{root_, {"k8s-w1", Ipv4(192, 168, 10, 101)}, [](const PodRecord&) {
                     return Result<std::string>("token-text");
                   }};
  ~VolumesTest() override { std::filesystem::remove_all(root_); }

  static Result<Json> lookup(const std::string& kind, const std::string& name) {
    if (name == "site") return *parse_json(R"({"data":{"index.html":"hello"}})");
    if (name == "evil") return *parse_json(R"({"data":{"../../escape":"x"}})");
    if (kind == "Secret") return *parse_json(R"({"data":{"password":"aHVudGVyMg=="}})");
    return Error(ErrorCode::not_found, "configmap \"" + name + "\" not found");
  }

  static PodRecord pod(const char* volumes) {
    Json object = *parse_json(R"({"metadata":{"name":"web","namespace":"default","uid":"u1"}})");
    object["spec"]["volumes"] = *parse_json(volumes);
    return make_record(object);
  }
};

TEST_F(VolumesTest, WritesEachKindOfSource) {
  PodRecord record = pod(R"([
    {"name":"html","configMap":{"name":"site"}},
    {"name":"auth","secret":{"secretName":"s","defaultMode":256}},
    {"name":"work","emptyDir":{}},
    {"name":"api","projected":{"sources":[{"serviceAccountToken":{"path":"token"}},
       {"downwardAPI":{"items":[{"path":"ns","fieldRef":{"fieldPath":"metadata.namespace"}}]}}]}}])");
  auto done = volumes_.prepare(record, lookup);
  ASSERT_TRUE(done) << done.error().message();
  auto mounts = volumes_.mounts(record, *parse_json(R"({"volumeMounts":[
    {"name":"html","mountPath":"/usr/share/nginx/html"},{"name":"auth","mountPath":"/auth"},
    {"name":"work","mountPath":"/work"},{"name":"api","mountPath":"/api"},
    {"name":"html","mountPath":"/one","subPath":"index.html"}]})"));
  ASSERT_TRUE(mounts) << mounts.error().message();
  EXPECT_EQ(*read_file((*mounts)[0].host_path + "/index.html"), "hello");
  EXPECT_TRUE((*mounts)[0].read_only);
  EXPECT_EQ(*read_file((*mounts)[1].host_path + "/password"), "hunter2");
  EXPECT_FALSE((*mounts)[2].read_only);
  EXPECT_EQ(*read_file((*mounts)[3].host_path + "/token"), "token-text");
  EXPECT_EQ(*read_file((*mounts)[3].host_path + "/ns"), "default");
  EXPECT_EQ(*read_file((*mounts)[4].host_path), "hello");
  struct stat info {};
  ASSERT_EQ(stat(((*mounts)[1].host_path + "/password").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0400U);
  volumes_.remove("u1");
  EXPECT_FALSE(std::filesystem::exists(volumes_.pod_folder("u1")));
}

TEST_F(VolumesTest, RefusesWhatItCannotDo) {
  for (auto [volume, text] :
       {std::pair{R"([{"name":"v","configMap":{"name":"none"}}])", "configmap \"none\" not found"},
        {R"([{"name":"v","configMap":{"name":"evil"}}])", "must be relative"},
        {R"([{"name":"v","nfs":{"server":"x"}}])", "volume type nfs is not served"},
        {R"([{"name":"v","hostPath":{"path":"/no/such","type":"Directory"}}])",
         "hostPath type check failed: /no/such is not a directory"},
        {R"([{"name":"v","hostPath":{"path":"/etc","type":"File"}}])", "/etc is not a file"}}) {
    auto done = volumes_.prepare(pod(volume), lookup);
    ASSERT_FALSE(done) << volume;
    EXPECT_NE(done.error().message().find(text), std::string::npos) << done.error().message();
    EXPECT_TRUE(done.error().message().starts_with("MountVolume.SetUp failed for volume \"v\" : "));
  }
}

TEST_F(VolumesTest, ChangesAppearAllAtOnceUnderTheSameFolder) {
  PodRecord record = pod(R"([{"name":"html","configMap":{"name":"map","defaultMode":256}}])");
  Json data = {{"a", "1"}, {"b", "1"}, {"gone", "1"}};
  auto source = [&data](const std::string&, const std::string&) -> Result<Json> {
    return Json{{"data", data}};
  };
  ASSERT_TRUE(volumes_.prepare(record, source));
  auto mounts = volumes_.mounts(
      record, *parse_json(R"({"volumeMounts":[{"name":"html","mountPath":"/m"}]})"));
  ASSERT_TRUE(mounts) << mounts.error().message();
  std::string folder = mounts->front().host_path;
  std::string first = std::filesystem::read_symlink(folder + "/..data");
  EXPECT_EQ(std::filesystem::read_symlink(folder + "/a"), "..data/a");
  ASSERT_TRUE(volumes_.refresh(record, source));
  EXPECT_EQ(std::filesystem::read_symlink(folder + "/..data"), first) << "nothing changed";

  data = {{"a", "2"}, {"b", "2"}, {"new", "2"}};
  auto done = volumes_.refresh(record, source);
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_NE(std::filesystem::read_symlink(folder + "/..data"), first);
  for (auto name : {"a", "b", "new"}) EXPECT_EQ(*read_file(folder + "/" + name), "2") << name;
  std::set<std::string> left;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    left.insert(entry.path().filename());
  }
  EXPECT_EQ(left, (std::set<std::string>{"..data", "a", "b", "new",
                                         std::filesystem::read_symlink(folder + "/..data")}));
}

TEST_F(VolumesTest, ATokenIsNotAskedForAgain) {
  PodRecord record = pod(R"([{"name":"api","projected":{"sources":[
    {"serviceAccountToken":{"path":"token"}},{"configMap":{"name":"site"}}]}}])");
  EXPECT_TRUE(volumes_.refresh(record, [](const std::string&, const std::string&) -> Result<Json> {
    return Error(ErrorCode::internal, "asked");
  }));
}

TEST_F(VolumesTest, ALabsPodLeavesTheComputerAlone) {
  const std::string own = std::filesystem::weakly_canonical(root_).string() + "/own";
  Volumes lab(root_, {"k8s-w1", Ipv4(192, 168, 10, 101)}, {}, HostPaths({own}));
  const Json writes = {{"volumeMounts", {{{"name", "v"}, {"mountPath", "/m"}}}}};
  auto host_path = [](const std::string& path) {
    return pod((R"([{"name":"v","hostPath":{"path":")" + path + "\"}}]").c_str());
  };
  ASSERT_TRUE(lab.prepare(host_path(own + "/data"), lookup));
  EXPECT_TRUE(std::filesystem::is_directory(own + "/data"));
  EXPECT_FALSE(lab.mounts(host_path(own + "/data"), writes)->front().read_only);
  ASSERT_TRUE(lab.prepare(host_path("/usr"), lookup));
  EXPECT_TRUE(lab.mounts(host_path("/usr"), writes)->front().read_only);
  for (const std::string& path : {"/home"s, "/"s, root_ + "/elsewhere", "/usr/no-such"s}) {
    auto done = lab.prepare(host_path(path), lookup);
    ASSERT_FALSE(done) << path;
    EXPECT_NE(done.error().message().find(path + " belongs to the computer"), std::string::npos)
        << done.error().message();
  }
  EXPECT_FALSE(std::filesystem::exists(root_ + "/elsewhere"));
  EXPECT_FALSE(lab.mounts(host_path("/home"), writes));
}

TEST_F(VolumesTest, SubPathsDoNotFollowLinksOut) {
  PodRecord record = pod(R"([{"name":"work","emptyDir":{}}])");
  ASSERT_TRUE(volumes_.prepare(record, lookup));
  auto mounts_of = [&](const std::string& sub) {
    return volumes_.mounts(
        record, {{"volumeMounts",
                  Json::array({{{"name", "work"}, {"mountPath", "/w"}, {"subPath", sub}}})}});
  };
  auto made = mounts_of("deep/er");
  ASSERT_TRUE(made) << made.error().message();
  EXPECT_TRUE(std::filesystem::is_directory(made->front().host_path));
  std::string volume = made->front().host_path.substr(0, made->front().host_path.size() - 8);
  std::filesystem::create_directory_symlink("/etc", volume + "/out");
  for (auto sub : {"out", "out/passwd", "out/not-made"}) EXPECT_FALSE(mounts_of(sub)) << sub;
  EXPECT_FALSE(std::filesystem::exists("/etc/not-made"));
}

TEST_F(VolumesTest, AnFsGroupOwnsWhatThePodWrites) {
  PodRecord record = pod(R"([{"name":"work","emptyDir":{}},
    {"name":"auth","secret":{"secretName":"s","defaultMode":256}}])");
  record.object["spec"]["securityContext"]["fsGroup"] = getgid();
  const auto done = volumes_.prepare(record, lookup);
  ASSERT_TRUE(done) << done.error().message();
  auto mounts = volumes_.mounts(record, *parse_json(R"({"volumeMounts":[
    {"name":"work","mountPath":"/work"},{"name":"auth","mountPath":"/auth"}]})"));
  ASSERT_TRUE(mounts) << mounts.error().message();
  struct stat info {};
  ASSERT_EQ(stat((*mounts)[0].host_path.c_str(), &info), 0);
  EXPECT_EQ(info.st_gid, getgid());
  EXPECT_EQ(info.st_mode & 07777U, 02777U);
  ASSERT_EQ(stat(((*mounts)[1].host_path + "/password").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777U, 0440U) << "0400 and the group may read";
}

/// A file outside that every link in the tests below leads to.
class OwnerTest : public testing::Test {
 protected:
  OwnerTest() {
    std::filesystem::create_directories(folder_.file("outside"));
    std::filesystem::create_directories(folder_.file("volume/real"));
    EXPECT_TRUE(write_file(outside_, "mine", 0600));
    EXPECT_EQ(chmod(folder_.file("outside").c_str(), 0700), 0);
  }
  [[nodiscard]] bool outside_is_untouched() const {
    struct stat file {};
    struct stat above {};
    return stat(outside_.c_str(), &file) == 0 && (file.st_mode & 07777U) == 0600 &&
           stat(folder_.file("outside").c_str(), &above) == 0 && (above.st_mode & 07777U) == 0700;
  }

  TestDir folder_;
  std::string outside_ = folder_.file("outside/file");
};

TEST_F(OwnerTest, AVolumeThatIsALinkIsRefused) {
  std::filesystem::create_directory_symlink(folder_.file("outside"), folder_.file("link"));
  EXPECT_FALSE(give_to_group(folder_.file("link"), getgid(), false));
  EXPECT_TRUE(outside_is_untouched());
}

TEST_F(OwnerTest, LinksThatComeMeanwhileAreNotFollowed) {
  const std::string place = folder_.file("volume/swapped");
  const std::string link = folder_.file("link");
  std::filesystem::create_directories(place);
  ASSERT_TRUE(write_file(place + "/file", "", 0600));
  std::filesystem::create_directory_symlink("../outside", link);
  std::atomic<bool> over{false};
  std::jthread pod([&] {
    while (!over) renameat2(AT_FDCWD, place.c_str(), AT_FDCWD, link.c_str(), RENAME_EXCHANGE);
  });
  int done = 0;
  for (int i = 0; i < 3000 && outside_is_untouched(); ++i) {
    auto given = give_to_group(folder_.file("volume"), getgid(), false);
    done += given ? 1 : 0;
    // A folder that has become a link between two looks is refused: it leads out of the volume.
    EXPECT_TRUE(given || given.error().sys_errno() == EXDEV) << given.error().message();
  }
  EXPECT_GT(done, 0);
  over = true;
  pod.join();
  EXPECT_TRUE(outside_is_untouched());
}

TEST_F(OwnerTest, EverythingBelowIsGiven) {
  std::string deep = "volume";
  for (int i = 0; i < 300; ++i) deep += "/d";
  std::filesystem::create_directories(folder_.file(deep));
  ASSERT_TRUE(write_file(folder_.file(deep + "/file"), "", 0600));
  auto given = give_to_group(folder_.file("volume"), getgid(), false);
  ASSERT_TRUE(given) << given.error().message();
  struct stat info {};
  ASSERT_EQ(stat(folder_.file(deep + "/file").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777U, 0660U);
  ASSERT_EQ(stat(folder_.file(deep).c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777U, 02775U);
}

TEST_F(VolumesTest, SubPathsStayInside) {
  PodRecord record = pod(R"([{"name":"work","emptyDir":{}}])");
  EXPECT_FALSE(volumes_.mounts(
      record,
      *parse_json(R"({"volumeMounts":[{"name":"work","mountPath":"/w","subPath":"../../x"}]})")));
  EXPECT_FALSE(volumes_.mounts(
      record, *parse_json(R"({"volumeMounts":[{"name":"other","mountPath":"/w"}]})")));
}

}  // namespace
}  // namespace hoplab::agent
