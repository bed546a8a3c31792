#include "runtime/proc/image_catalog.h"

#include <gmock/gmock.h>

#include "runtime/image/folder.h"
#include "runtime/image/store.h"
#include "runtime/image/test_archive.h"

namespace hoplab::proc {
namespace {

/// A store with one image under several names.
class ImageCatalogTest : public testing::Test {
 protected:
  void load_as(std::initializer_list<const char*> names) {
    image::write_text(folder_.file("root.tar"), image::TarText().file("hello", "hi").text());
    auto store = image::ImageStore::open(folder_.file("images"), image::own_whiteouts());
    ASSERT_TRUE(store) << store.error().message();
    image::ImageConfig config;
    config.user = "web";
    config.stop_signal = "SIGRTMIN+3";
    auto loaded = store->import_rootfs(folder_.file("root.tar"), config, {});
    ASSERT_TRUE(loaded) << loaded.error().message();
    for (const char* name : names) {
      ASSERT_TRUE(store->tag(loaded->image.id.text(), *image::Reference::parse(name)));
    }
  }

  TestDir folder_;
  ImageCatalog catalog_{folder_.file("images")};
};

TEST_F(ImageCatalogTest, ALoadedImageTakesTheNameOfABuiltInOne) {
  load_as({"nginx:1.21"});
  auto image = catalog_.resolve("nginx:1.21");
  ASSERT_TRUE(image) << image.error().message();
  EXPECT_EQ(image->user, "web");
  EXPECT_EQ(image->stop_signal, 37);
  EXPECT_FALSE(image->layers.empty());
  EXPECT_TRUE(catalog_.resolve("nginx:other")->layers.empty());
}

TEST_F(ImageCatalogTest, NothingLoadedTakesThePlaceOfAPartOfTheCluster) {
  const auto names = {"calico/node:v3.21.6", "quay.io/calico/node:v3.21.6",
                      "k8s.gcr.io/kube-proxy:v1.22.6", "kube-proxy:latest",
                      "k8s.gcr.io/coredns/coredns:v1.8.4"};
  load_as(names);
  for (const char* name : names) {
    auto image = catalog_.resolve(name);
    ASSERT_TRUE(image) << name;
    EXPECT_TRUE(image->layers.empty()) << name;
    EXPECT_THAT(image->entrypoint, testing::Contains(executable_in_container)) << name;
  }
}

}  // namespace
}  // namespace hoplab::proc
