#include "runtime/image/store.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "runtime/image/test_store.h"

namespace hoplab::image {
namespace {

namespace fs = std::filesystem;

class Store : public StoreTest {};

TEST_F(Store, LoadsADockerArchive) {
  auto loaded = load(ArchiveText{"web:1", {base_layer, top_layer}});
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
  ASSERT_TRUE(load(ArchiveText{"web:1", {base_layer, top_layer}}));
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
  ASSERT_TRUE(load(ArchiveText{"web:1", {base_layer}}));
  ASSERT_TRUE(load(ArchiveText{"web:2", {base_layer, top_layer}}));
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
  ASSERT_TRUE(load(ArchiveText{"web:1", {base_layer}}));
  Digest old = store_.find("web:1")->id;
  ASSERT_TRUE(load(ArchiveText{"web:1", {top_layer}}));
  EXPECT_NE(store_.find("web:1")->id, old);
  auto kept = store_.find(old.hex());
  ASSERT_TRUE(kept) << kept.error().message();
  EXPECT_TRUE(kept->names.empty());
  EXPECT_EQ(store_.list()->size(), 2U);
}

TEST_F(Store, TagsAndForce) {
  ASSERT_TRUE(load(ArchiveText{"web:1", {base_layer}}));
  ASSERT_TRUE(store_.tag("web:1", *Reference::parse("site")));
  auto image = *store_.find("site:latest");
  EXPECT_EQ(image.names.size(), 2U);
  EXPECT_EQ(store_.remove(image.id.hex(), false).error().code(), ErrorCode::conflict);
  EXPECT_EQ(store_.remove("web:1", false)->deleted.size(), 0U);
  EXPECT_EQ(store_.remove(image.id.hex(), true)->deleted.size(), 1U);
}

TEST_F(Store, RefusesWhatDoesNotHashAndKeepsNothing) {
  auto wrong = load(ArchiveText{"web:1", {base_layer}, {top_layer}});
  ASSERT_FALSE(wrong);
  EXPECT_NE(wrong.error().message().find("damaged"), std::string::npos);
  EXPECT_EQ(count("layers"), 0U);
  EXPECT_EQ(count("blobs/sha256"), 0U);
  EXPECT_TRUE(store_.list()->empty());
}

TEST_F(Store, RefusesHostileLayers) {
  auto out = load(ArchiveText{"web:1", {TarText().file("../../escape", "x").text()}});
  ASSERT_FALSE(out);
  EXPECT_NE(out.error().message().find("leads out"), std::string::npos);
  EXPECT_FALSE(fs::exists(folder_.file("escape")));
  // The archive itself may lead out, too: to a config that would do.
  const ArchiveText outside{"web:1", {}};
  write_text(folder_.file("outside.json"), outside.config());
  TarText archive;
  archive.symlink("config.json", folder_.file("outside.json"));
  archive.file("manifest.json", outside.manifest());
  auto led_out = load(archive.text());
  ASSERT_FALSE(led_out);
  EXPECT_EQ(led_out.error().sys_errno(), ENOENT) << led_out.error().message();
  EXPECT_TRUE(load(TarText()
                       .symlink("config.json", "real.json")
                       .file("real.json", outside.config())
                       .file("manifest.json", outside.manifest())
                       .text()));
  const ArchiveText whole{"web:1", {base_layer}};
  write_text(folder_.file("outside.tar"), base_layer);
  led_out = load(TarText()
                     .symlink(ArchiveText::layer_path(0), folder_.file("outside.tar"))
                     .file("config.json", whole.config())
                     .file("manifest.json", whole.manifest())
                     .text());
  ASSERT_FALSE(led_out);
  EXPECT_EQ(led_out.error().sys_errno(), ENOENT) << led_out.error().message();
  TarText fifo;
  fifo.fifo("config.json");
  fifo.file("manifest.json", R"([{"Config":"config.json","RepoTags":[],"Layers":[]}])");
  EXPECT_NE(load(fifo.text()).error().message().find("not a regular file"), std::string::npos);
  EXPECT_NE(load(TarText().file("a", "b").text()).error().message().find("no image"),
            std::string::npos);
}

TEST_F(Store, RefusesAnImageForAnotherMachine) {
  auto loaded = load({"web:1", {base_layer}, {}, "s390x-or-so"});
  ASSERT_FALSE(loaded);
  EXPECT_NE(loaded.error().message().find("the image is for linux/s390x-or-so; this machine is"),
            std::string::npos);
  EXPECT_TRUE(store_.list()->empty());
}

TEST_F(Store, RefusesMoreLayersThanCanBeStacked) {
  auto loaded = load({"web:1", std::vector<std::string>(128, base_layer)});
  ASSERT_FALSE(loaded);
  EXPECT_NE(loaded.error().message().find("128 layers; at most 127"), std::string::npos)
      << loaded.error().message();
  EXPECT_TRUE(load({"web:1", std::vector<std::string>(127, base_layer)}));
}

TEST_F(Store, LimitsAreOfAllLayersTogether) {
  const ArchiveText archive{"web:1", {base_layer, top_layer}};
  for (size_t i = 0; i < 2; ++i) {
    write_text(folder_.file("in/" + ArchiveText::layer_path(i)), archive.layers[i]);
  }
  write_text(folder_.file("in/config.json"), archive.config());
  write_text(folder_.file("in/manifest.json"), archive.manifest());
  for (const UnpackLimits& limits : {UnpackLimits{.bytes = 8}, UnpackLimits{.entries = 1}}) {
    auto loaded = store_.load(folder_.file("in"), {.limits = limits});
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().code(), ErrorCode::too_large) << loaded.error().message();
  }
  EXPECT_TRUE(store_.load(folder_.file("in"), {.limits = {.bytes = 10, .entries = 2}}));
}

TEST_F(Store, AnArchiveWithATitleGivesNoName) {
  auto loaded = load(ArchiveText{"", {base_layer}}.tar(), {.title = "standard input"});
  ASSERT_TRUE(loaded) << loaded.error().message();
  EXPECT_TRUE(loaded->at(0).image.names.empty());
  auto wrong = load("no archive", {.title = "standard input"});
  EXPECT_NE(wrong.error().message().find("standard input"), std::string::npos);
  EXPECT_EQ(wrong.error().message().find("in.tar"), std::string::npos);
  EXPECT_EQ(load(ArchiveText{"", {top_layer}})->at(0).image.names.at(0),
            "docker.io/library/in:latest");
  write_text(folder_.file("in.tar"), ArchiveText{"", {base_layer, top_layer}}.tar());
  const Fd archive = *open_fd(folder_.file("in.tar"), O_RDONLY);
  loaded = store_.load(str("/proc/self/fd/", archive.get()), {});
  ASSERT_TRUE(loaded) << loaded.error().message();
  EXPECT_TRUE(loaded->at(0).image.names.empty());
}

TEST_F(Store, ALayersRootIsOpenWhateverTheUmaskIs) {
  mode_t before = ::umask(0077);
  auto loaded = load({"web:1", {base_layer}});
  ::umask(before);
  ASSERT_TRUE(loaded) << loaded.error().message();
  std::string root = store_.layers(loaded->at(0).image).at(0);
  constexpr auto wanted = static_cast<fs::perms>(0755);
  EXPECT_EQ(fs::status(root).permissions(), wanted);
  EXPECT_EQ(fs::status(root + "/bin").permissions(), wanted);
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
  EXPECT_EQ(found->config.history.at(0).comment, "Imported from " + folder_.file("rootfs.tar"));
  auto again =
      store_.import_rootfs(folder_.file("rootfs.tar"), {}, {.title = "-", .message = "mine"});
  EXPECT_EQ(again->image.config.history.at(0).comment, "mine");
  again = store_.import_rootfs(folder_.file("rootfs.tar"), {}, {.title = "-"});
  EXPECT_EQ(again->image.config.history.at(0).comment, "Imported from -");
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
