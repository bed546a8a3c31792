// Tags, removal, and what an image that runs or is damaged means for them.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <functional>
#include <future>

#include "runtime/image/folder.h"
#include "runtime/image/store_find.h"
#include "runtime/image/test_store.h"

namespace {
std::function<void()> on_syncfs;  // NOLINT: what a C function can reach
}

/// Instead of libc's, in this test program: tells when it is called.
extern "C" int syncfs(int fd) noexcept {
  if (on_syncfs) on_syncfs();
  return static_cast<int>(::syscall(SYS_syncfs, fd));
}

namespace hoplab::image {
namespace {

namespace fs = std::filesystem;

class StoreChange : public StoreTest {
 protected:
  /// A second manifest with the config of the first, as another tool writes it.
  void add_manifest(const StoredImage& image, const std::string& name) {
    std::string text = text_of_file(blob(image.manifest.digest)) + "\n";
    Json entry{{"mediaType", image.manifest.media_type},
               {"digest", digest_of(text).text()},
               {"size", text.size()},
               {"annotations", {{name_annotation, name}}}};
    write_text(blob(digest_of(text)), text);
    Json index = *parse_json(text_of_file(index_path()));
    index["manifests"].push_back(entry);
    write_text(index_path(), dump_json(index));
  }
  [[nodiscard]] std::string index_path() const { return folder_.file("store/index.json"); }
  [[nodiscard]] std::string info_of(const StoredImage& image) const {
    return store_.layers(image).at(0) + "/../info.json";
  }
};

TEST_F(StoreChange, AnImageThatLosesItsLastTagStays) {
  ASSERT_TRUE(load({"web:1", {base_layer}}));
  ASSERT_TRUE(load({"site:1", {top_layer}}));
  Digest old = store_.find("site:1")->id;
  ASSERT_TRUE(store_.tag("web:1", *Reference::parse("site:1")));
  EXPECT_EQ(store_.find("site:1")->id, store_.find("web:1")->id);
  auto kept = store_.find(old.hex());
  ASSERT_TRUE(kept) << kept.error().message();
  EXPECT_TRUE(kept->names.empty());
  EXPECT_EQ(store_.prune()->deleted, std::vector<Digest>{old});
}

TEST_F(StoreChange, AnImageThatRunsIsKept) {
  ASSERT_TRUE(load({"web:1", {base_layer}}));
  StoredImage image = *store_.find("web:1");
  Fd held = *hold_image(store_.hold_file(image));
  auto by_name = store_.remove("web:1", false);
  ASSERT_FALSE(by_name);
  EXPECT_EQ(by_name.error().message(),
            "conflict: unable to remove repository reference \"web:1\" (must force) - a running "
            "container is using its referenced image " +
                image.id.short_id());
  EXPECT_EQ(store_.remove(image.id.hex(), true).error().message(),
            "conflict: unable to delete " + image.id.short_id() +
                " (cannot be forced) - image is being used by a running container");
  // Loading it again must not put another file where the lock is.
  ASSERT_TRUE(load({"web:1", {base_layer}}));
  auto forced = store_.remove("web:1", true);
  ASSERT_TRUE(forced) << forced.error().message();
  EXPECT_EQ(forced->untagged, std::vector<std::string>{"docker.io/library/web:1"});
  EXPECT_TRUE(forced->deleted.empty());
  EXPECT_TRUE(store_.prune()->deleted.empty());
  EXPECT_TRUE(fs::exists(store_.layers(image).at(0) + "/bin/sh"));
  held.reset();
  EXPECT_EQ(store_.prune()->deleted, std::vector<Digest>{image.id});
  EXPECT_EQ(count("layers"), 0U);
  EXPECT_FALSE(hold_image(store_.hold_file(image)));
}

TEST_F(StoreChange, RemovesAnImageUnderAllItsManifests) {
  ASSERT_TRUE(load({"web:1", {base_layer}}));
  StoredImage image = *store_.find("web:1");
  add_manifest(image, "docker.io/library/site:1");
  EXPECT_EQ(store_.find("site:1")->id, image.id);
  auto removed = store_.remove(image.id.hex(), true);
  ASSERT_TRUE(removed) << removed.error().message();
  EXPECT_EQ(removed->untagged.size(), 2U);
  EXPECT_TRUE(store_.list()->empty());
  EXPECT_EQ(count("blobs/sha256"), 0U);
}

TEST_F(StoreChange, ADamagedImageIsNamedAndCanBeRemoved) {
  ASSERT_TRUE(load({"web:1", {base_layer}}));
  ASSERT_TRUE(load({"good:1", {top_layer}}));
  auto lost = load({"lost:1", {base_layer, top_layer}});
  ASSERT_TRUE(lost) << lost.error().message();
  fs::remove(info_of(*store_.find("web:1")));
  fs::remove(blob(lost->at(0).image.manifest.digest));
  auto images = store_.list();
  ASSERT_TRUE(images) << images.error().message();
  ASSERT_EQ(images->size(), 3U);
  EXPECT_FALSE(images->at(0).damage) << "good:1";
  EXPECT_TRUE(images->at(1).damage) << "lost:1";
  EXPECT_TRUE(images->at(2).damage) << "web:1";
  EXPECT_TRUE(store_.find("good:1"));
  auto web = store_.find("web:1");
  ASSERT_FALSE(web);
  EXPECT_EQ(web.error().code(), ErrorCode::internal);
  EXPECT_NE(web.error().message().find("image web:1 is damaged: "), std::string::npos);
  EXPECT_NE(web.error().message().find("info.json"), std::string::npos);

  // Of lost:1 nobody knows what it needs: other changes are made, and say so.
  auto tagged = store_.tag("good:1", *Reference::parse("better:1"));
  ASSERT_TRUE(tagged) << tagged.error().message();
  ASSERT_EQ(tagged->size(), 1U);
  EXPECT_NE(tagged->at(0).find("was not given back"), std::string::npos);
  EXPECT_TRUE(store_.find("better:1"));
  for (const char* each : {"lost:1", "web:1"}) {
    auto removed = store_.remove(each, false);
    ASSERT_TRUE(removed) << removed.error().message();
    EXPECT_TRUE(removed->notes.empty()) << removed->notes[0];
  }
  EXPECT_EQ(count("layers"), 1U);
}

TEST_F(StoreChange, LoadingAgainMendsADamagedLayer) {
  ASSERT_TRUE(load({"web:1", {base_layer}}));
  StoredImage image = *store_.find("web:1");
  fs::remove(info_of(image));
  auto loaded = load({"web:1", {base_layer}});
  ASSERT_TRUE(loaded) << loaded.error().message();
  EXPECT_EQ(store_.find("web:1")->bytes, 5U);
  EXPECT_EQ(text_of_file(store_.layers(image).at(0) + "/bin/sh"), "shell");
}

TEST_F(StoreChange, ReadersWaitForAChangeToBeWhole) {
  ASSERT_TRUE(load({"web:1", {base_layer}}));
  const std::string config = blob(store_.find("web:1")->id);
  Fd change = *open_fd(store_.folder(), O_RDONLY | O_DIRECTORY);
  ASSERT_EQ(::flock(change.get(), LOCK_EX), 0);
  fs::rename(config, config + ".away");
  auto found = std::async(std::launch::async, [&] { return store_.find("web:1"); });
  struct stat info {};
  ASSERT_EQ(::fstat(change.get(), &info), 0);
  // "1: -> FLOCK ADVISORY READ 123 08:01:4711 0 EOF": somebody waits for the inode's lock.
  const auto waits = [&] {
    const std::string locks = text_of_file("/proc/locks");
    for (std::string_view line : split(locks, '\n')) {
      if (line.find("-> FLOCK") != std::string_view::npos &&
          line.find(str(":", info.st_ino, " ")) != std::string_view::npos) {
        return true;
      }
    }
    return false;
  };
  auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!waits() && found.wait_for(std::chrono::milliseconds(2)) != std::future_status::ready &&
         std::chrono::steady_clock::now() < end) {
  }
  fs::rename(config + ".away", config);
  change.reset();
  auto image = found.get();
  EXPECT_TRUE(image) << image.error().message();
}

TEST_F(StoreChange, ContentIsOnTheDiskBeforeTheIndexNamesIt) {
  size_t calls = 0;
  on_syncfs = [&] {
    ++calls;
    EXPECT_FALSE(fs::exists(index_path()));
    EXPECT_EQ(count("layers"), 1U);
    EXPECT_EQ(count("blobs/sha256"), 3U);
  };
  auto loaded = load({"web:1", {base_layer}});
  on_syncfs = nullptr;
  ASSERT_TRUE(loaded) << loaded.error().message();
  EXPECT_EQ(calls, 1U);
}

TEST_F(StoreChange, NamesInTheIndexAreChecked) {
  ASSERT_TRUE(load({"web:1", {base_layer}}));
  Json index = *parse_json(text_of_file(index_path()));
  index["manifests"][0]["annotations"][std::string(name_annotation)] = "No Name";
  write_text(index_path(), dump_json(index));
  auto images = store_.list();
  ASSERT_TRUE(images) << images.error().message();
  EXPECT_TRUE(images->at(0).names.empty());
}

TEST_F(StoreChange, IsForOneKindOfUser) {
  ASSERT_TRUE(load({"web:1", {base_layer}}));
  auto other = ImageStore::open(store_.folder(), Whiteouts::overlay_trusted);
  ASSERT_FALSE(other);
  EXPECT_NE(other.error().message().find("HOPLAB_IMAGES"), std::string::npos);
  EXPECT_FALSE(
      (*ImageStore::find_folder(store_.folder(), Whiteouts::overlay_trusted))->check_usable());
  EXPECT_TRUE((*ImageStore::find_folder(store_.folder(), Whiteouts::overlay_user))->check_usable());
}

TEST(StoreFind, ANameGoesBeforeTheStartOfIds) {
  std::vector<StoredImage> images(3);
  for (size_t i = 0; i < 3; ++i) {
    images[i].id = *Digest::parse(str("sha256:beef", std::string(59, '0'), i));
  }
  images[2].names = {"docker.io/library/beef:latest"};
  auto by_name = find_among(images, "beef");
  ASSERT_TRUE(by_name) << by_name.error().message();
  EXPECT_EQ(*by_name, &images[2]);
  EXPECT_EQ(find_among(images, "beef0").error().code(), ErrorCode::conflict);
  EXPECT_EQ(*find_among(images, images[1].id.text()), &images[1]);
  EXPECT_EQ(find_among(images, "beef:2").error().code(), ErrorCode::not_found);
}

TEST(StoreFolder, IsAnAbsolutePath) {
  const char* before = std::getenv("HOPLAB_IMAGES");
  std::string kept = before == nullptr ? "" : before;
  ::setenv("HOPLAB_IMAGES", "some/../images", 1);
  EXPECT_EQ(default_store_folder(), (fs::current_path() / "images").string());
  before == nullptr ? ::unsetenv("HOPLAB_IMAGES") : ::setenv("HOPLAB_IMAGES", kept.c_str(), 1);
}

}  // namespace
}  // namespace hoplab::image
