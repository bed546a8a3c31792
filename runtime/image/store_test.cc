#include "runtime/image/store.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include "runtime/image/test_archive.h"

namespace hoplab::image {
namespace {

namespace fs = std::filesystem;

/// docker-archive of one image with the given layers.
std::string docker_archive(const std::string& name, const std::vector<std::string>& layers,
                           const std::vector<std::string>& diff_layers = {}) {
  Json ids = Json::array();
  Json paths = Json::array();
  TarText tar;
  for (size_t i = 0; i < layers.size(); ++i) {
    ids.push_back(digest_of(diff_layers.empty() ? layers[i] : diff_layers[i]).text());
    paths.push_back(str("layer", i, "/layer.tar"));
    tar.file(paths.back().get<std::string>(), layers[i]);
  }
  Json config{{"architecture", "amd64"},
              {"os", "linux"},
              {"created", "2024-01-01T00:00:00Z"},
              {"config", {{"Cmd", {"/bin/sh"}}, {"Labels", {{"name", name}}}}},
              {"rootfs", {{"type", "layers"}, {"diff_ids", ids}}}};
  tar.file("config.json", dump_json(config));
  Json manifest = Json::array();
  manifest.push_back({{"Config", "config.json"}, {"RepoTags", {name}}, {"Layers", paths}});
  tar.file("manifest.json", dump_json(manifest));
  return tar.text();
}

class Store : public ::testing::Test {
 protected:
  Store() : store_(*ImageStore::open(folder_.file("store"), Whiteouts::overlay_user)) {}

  Result<std::vector<LoadedImage>> load(const std::string& archive) {
    write_text(folder_.file("in.tar"), archive);
    return store_.load(folder_.file("in.tar"), {});
  }
  [[nodiscard]] size_t count(const std::string& below) const {
    return static_cast<size_t>(
        std::distance(fs::directory_iterator(folder_.file("store/" + below)), {}));
  }

  TestDir folder_;
  ImageStore store_;
};

const std::string base_layer = TarText().file("bin/sh", "shell").text();
const std::string top_layer = TarText().file("etc/motd", "hello").text();

TEST_F(Store, LoadsADockerArchive) {
  auto loaded = load(docker_archive("web:1", {base_layer, top_layer}));
  ASSERT_TRUE(loaded) << loaded.error().message();
  auto image = store_.find("web:1");
  ASSERT_TRUE(image) << image.error().message();
  EXPECT_EQ(image->names, std::vector<std::string>{"docker.io/library/web:1"});
  EXPECT_EQ(image->config.cmd, std::vector<std::string>{"/bin/sh"});
  EXPECT_EQ(image->bytes, 10U);
  std::vector<std::string> layers = store_.layers(*image);
  ASSERT_EQ(layers.size(), 2U);
  EXPECT_EQ(text_of_file(layers[0] + "/bin/sh"), "shell");
  EXPECT_EQ(text_of_file(layers[1] + "/etc/motd"), "hello");
  EXPECT_EQ(store_.find(image->id.hex().substr(0, 12))->id, image->id);
  EXPECT_EQ(count("tmp"), 1U) << "only the archive that the next writer clears";
}

TEST_F(Store, WhatItSavesItLoads) {
  ASSERT_TRUE(load(docker_archive("web:1", {base_layer, top_layer})));
  auto first = *store_.find("web:1");
  Fd out = *open_fd(folder_.file("saved.tar"), O_RDWR | O_CREAT);
  ASSERT_TRUE(store_.save({"web:1"}, out.get()));
  auto other = *ImageStore::open(folder_.file("other"), Whiteouts::overlay_user);
  auto loaded = other.load(folder_.file("saved.tar"), {});
  ASSERT_TRUE(loaded) << loaded.error().message();
  EXPECT_EQ(loaded->at(0).image.id, first.id);
  EXPECT_EQ(other.find("web:1")->names, first.names);
  // The store is an OCI layout itself.
  auto third = *ImageStore::open(folder_.file("third"), Whiteouts::overlay_user);
  auto copied = third.load(folder_.file("other"), {});
  ASSERT_TRUE(copied) << copied.error().message();
  EXPECT_EQ(third.find("web:1")->id, first.id);
}

TEST_F(Store, LayersAreSharedAndGoWithTheirLastImage) {
  ASSERT_TRUE(load(docker_archive("web:1", {base_layer})));
  ASSERT_TRUE(load(docker_archive("web:2", {base_layer, top_layer})));
  EXPECT_EQ(count("layers"), 2U);
  auto removed = store_.remove("web:2", false);
  ASSERT_TRUE(removed) << removed.error().message();
  EXPECT_EQ(removed->untagged, std::vector<std::string>{"docker.io/library/web:2"});
  EXPECT_EQ(removed->deleted.size(), 1U);
  EXPECT_EQ(count("layers"), 1U);
  ASSERT_TRUE(store_.remove("web:1", false));
  EXPECT_EQ(count("layers"), 0U);
  EXPECT_EQ(count("blobs/sha256"), 0U);
  EXPECT_EQ(store_.find("web:1").error().code(), ErrorCode::not_found);
}

TEST_F(Store, NamesMoveAndTheOldImageStays) {
  ASSERT_TRUE(load(docker_archive("web:1", {base_layer})));
  Digest old = store_.find("web:1")->id;
  ASSERT_TRUE(load(docker_archive("web:1", {top_layer})));
  EXPECT_NE(store_.find("web:1")->id, old);
  auto kept = store_.find(old.hex());
  ASSERT_TRUE(kept) << kept.error().message();
  EXPECT_TRUE(kept->names.empty());
  EXPECT_EQ(store_.list()->size(), 2U);
}

TEST_F(Store, TagsAndForce) {
  ASSERT_TRUE(load(docker_archive("web:1", {base_layer})));
  ASSERT_TRUE(store_.tag("web:1", *Reference::parse("site")));
  auto image = *store_.find("site:latest");
  EXPECT_EQ(image.names.size(), 2U);
  EXPECT_EQ(store_.remove(image.id.hex(), false).error().code(), ErrorCode::conflict);
  EXPECT_EQ(store_.remove("web:1", false)->deleted.size(), 0U);
  EXPECT_EQ(store_.remove(image.id.hex(), true)->deleted.size(), 1U);
}

TEST_F(Store, RefusesWhatDoesNotHashAndKeepsNothing) {
  auto wrong = load(docker_archive("web:1", {base_layer}, {top_layer}));
  ASSERT_FALSE(wrong);
  EXPECT_NE(wrong.error().message().find("damaged"), std::string::npos);
  EXPECT_EQ(count("layers"), 0U);
  EXPECT_EQ(count("blobs/sha256"), 0U);
  EXPECT_TRUE(store_.list()->empty());
}

TEST_F(Store, RefusesHostileLayers) {
  auto out = load(docker_archive("web:1", {TarText().file("../../escape", "x").text()}));
  ASSERT_FALSE(out);
  EXPECT_NE(out.error().message().find("leads out"), std::string::npos);
  EXPECT_FALSE(fs::exists(folder_.file("escape")));
  // The archive itself may lead out, too.
  TarText archive;
  archive.symlink("config.json", "/etc/passwd");
  archive.file("manifest.json", R"([{"Config":"config.json","RepoTags":[],"Layers":[]}])");
  EXPECT_FALSE(load(archive.text()));
  TarText fifo;
  fifo.fifo("config.json");
  fifo.file("manifest.json", R"([{"Config":"config.json","RepoTags":[],"Layers":[]}])");
  EXPECT_NE(load(fifo.text()).error().message().find("not a regular file"), std::string::npos);
  EXPECT_NE(load(TarText().file("a", "b").text()).error().message().find("no image"),
            std::string::npos);
}

TEST_F(Store, ImportsARootFileSystem) {
  write_text(folder_.file("rootfs.tar"), base_layer);
  ImageConfig config;
  config.cmd = {"/bin/sh"};
  auto imported =
      store_.import_rootfs(folder_.file("rootfs.tar"), config, {.fallback_name = "mine:2"});
  ASSERT_TRUE(imported) << imported.error().message();
  auto found = store_.find("mine:2");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->config.cmd, config.cmd);
  EXPECT_EQ(text_of_file(store_.layers(*found).at(0) + "/bin/sh"), "shell");
}

TEST_F(Store, OciLayoutForAnotherMachineIsRefused) {
  std::string index =
      R"({"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json",)"
      R"("digest":"sha256:)" +
      std::string(64, 'b') + R"(","size":1,"platform":{"os":"linux","architecture":"riscv64"}}]})";
  write_text(folder_.file("layout/index.json"), index);
  auto loaded = store_.load(folder_.file("layout"), {});
  ASSERT_FALSE(loaded);
  EXPECT_NE(loaded.error().message().find("the image is for linux/riscv64"), std::string::npos);
}

}  // namespace
}  // namespace hoplab::image
