#include <gmock/gmock.h>
#include <sys/mount.h>

#include <csignal>
#include <filesystem>
#include <optional>

#include "runtime/image/folder.h"
#include "runtime/image/test_store.h"
#include "runtime/proc/pause_program.h"
#include "tests/kernel/node_fixture.h"

// Containers of loaded images: layers stacked by the kernel, and what keeps them in their store.

namespace hoplab::test {
namespace {

namespace fs = std::filesystem;
using image::TarText;
using ::testing::HasSubstr;

class LoadedImage : public NodeTest {
 protected:
  void SetUp() override {
    NodeTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    auto store = image::ImageStore::open(image_folder(), image::own_whiteouts());
    ASSERT_TRUE(store) << store.error().message();
    store_.emplace(*std::move(store));
  }

  /// Loads an image that waits, with `layers` below its program.
  void load(const std::string& name, std::vector<std::string> layers) {
    const std::string program = directory() + "/waiter";
    ASSERT_TRUE(proc::install_pause_program(program));
    layers.push_back(TarText().file("wait", image::text_of_file(program), 0755).text());
    image::ArchiveText archive{name, std::move(layers)};
    archive.cmd = {"/wait"};
    image::write_text(directory() + "/image.tar", archive.tar());
    auto loaded = store_->load(directory() + "/image.tar", {});
    ASSERT_TRUE(loaded) << loaded.error().message();
  }
  /// Starts it in a pod of its own; the container's root as this process can open it.
  std::string run(const std::string& name) {
    sandbox("p");
    proc::ContainerSpec spec = container("c", "p", {});
    spec.image = name;
    proc::ContainerStatus status = start(spec);
    EXPECT_EQ(status.state, proc::ContainerState::running) << status.message;
    return str("/proc/", node_pid(), "/root/proc/", status.pid, "/root");
  }

  std::optional<image::ImageStore> store_;
};

TEST_F(LoadedImage, OneLayerMayBeThereTwice) {
  const std::string base =
      TarText().file("a/y", "base").file("b/w", "base").file("c", "base").text();
  const std::string twice = TarText()
                                .file("a/x", "twice")
                                .file("a/.wh.y", "")
                                .file("b/.wh..wh..opq", "")
                                .file("b/z", "twice")
                                .file("c/d", "twice")
                                .file("f", "twice")
                                .text();
  const std::string between = TarText()
                                  .file("a/x", "between")
                                  .file("a/y", "between")
                                  .file("b/w", "between")
                                  .file("b/.wh.z", "")
                                  .file(".wh.c", "")
                                  .file("f/g", "between")
                                  .file("h", "between")
                                  .text();
  load("twice:1", {base, twice, between, twice});
  std::string root = run("twice:1");
  EXPECT_EQ(image::text_of_file(root + "/a/x"), "twice");
  EXPECT_FALSE(fs::exists(root + "/a/y"));
  EXPECT_FALSE(fs::exists(root + "/b/w"));
  EXPECT_EQ(image::text_of_file(root + "/b/z"), "twice");
  EXPECT_EQ(image::text_of_file(root + "/c/d"), "twice");
  EXPECT_EQ(image::text_of_file(root + "/f"), "twice");
  EXPECT_EQ(image::text_of_file(root + "/h"), "between");
}

TEST_F(LoadedImage, AsManyLayersAsDockerAllowsCanBeStacked) {
  std::vector<std::string> layers;
  for (int i = 0; i < 126; ++i) layers.push_back(TarText().file(str("layer", i), "x").text());
  load("many:1", layers);
  std::string root = run("many:1");
  EXPECT_TRUE(fs::exists(root + "/layer0"));
  EXPECT_TRUE(fs::exists(root + "/layer125"));
}

TEST_F(LoadedImage, StaysWhileAContainerRunsFromIt) {
  load("web:1", {});
  std::string root = run("web:1");
  image::StoredImage stored = *store_->find("web:1");
  auto refused = store_->remove("web:1", false);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message(), HasSubstr("is using its referenced image"));
  ASSERT_TRUE(store_->remove("web:1", true)) << "by force its name goes";
  EXPECT_TRUE(store_->prune()->deleted.empty());
  EXPECT_TRUE(fs::exists(root + "/wait"));
  ASSERT_TRUE(client().kill_container("c", SIGKILL));
  wait_exit("c");
  auto pruned = store_->prune();
  ASSERT_TRUE(pruned) << pruned.error().message();
  EXPECT_EQ(pruned->deleted, std::vector<image::Digest>{stored.id});
}

TEST_F(LoadedImage, AnEarlierWritersFilesThatCannotGoStopNobody) {
  const std::string stuck = image_folder() + "/tmp/stuck";
  fs::create_directories(stuck);
  ASSERT_EQ(::mount("stuck", stuck.c_str(), "tmpfs", 0, nullptr), 0);
  load("web:1", {});
  EXPECT_TRUE(store_->find("web:1"));
  ::umount2(stuck.c_str(), MNT_DETACH);
}

TEST_F(LoadedImage, LayersOfTheOtherKindOfUserAreNotStacked) {
  load("mine:1", {});
  const char* other = image::own_whiteouts() == image::Whiteouts::overlay_user ? "trusted" : "user";
  image::write_text(image_folder() + "/whiteouts", other);
  sandbox("p");
  proc::ContainerSpec spec = container("c", "p", {});
  spec.image = "mine:1";
  auto refused = client().start_container(spec);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message(), HasSubstr("HOPLAB_IMAGES"));
  EXPECT_EQ(start(container("d", "p", {"sleep", "1000"})).state, proc::ContainerState::running)
      << "built-in images do not need the store";
}

TEST_F(LoadedImage, ADamagedOneIsNotReplacedByABuiltInOne) {
  load("busybox:1.28", {});
  fs::remove(store_->layers(*store_->find("busybox:1.28")).at(0) + "/../info.json");
  sandbox("p");
  auto started = client().start_container(container("c", "p", {"true"}));
  ASSERT_FALSE(started);
  EXPECT_THAT(started.error().message(), HasSubstr("image busybox:1.28 is damaged"));
}

}  // namespace
}  // namespace hoplab::test
