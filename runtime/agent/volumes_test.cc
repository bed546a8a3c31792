#include "runtime/agent/volumes.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "runtime/base/fd.h"

namespace hoplab::agent {
namespace {

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
        {R"([{"name":"v","hostPath":{"path":"/no/such"}}])", "does not exist"}}) {
    auto done = volumes_.prepare(pod(volume), lookup);
    ASSERT_FALSE(done) << volume;
    EXPECT_NE(done.error().message().find(text), std::string::npos) << done.error().message();
    EXPECT_TRUE(done.error().message().starts_with("MountVolume.SetUp failed for volume \"v\""));
  }
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
