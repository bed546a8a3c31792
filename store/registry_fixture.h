#pragma once

#include <gtest/gtest.h>

#include <initializer_list>
#include <memory>
#include <string>
#include <utility>

#include "runtime/base/test_dir.h"
#include "store/registry.h"

namespace hoplab {

/// A registry on a store of its own with the namespace `default`. For tests.
class RegistryFixture {
 public:
  explicit RegistryFixture(RegistryOptions options = {}, StoreOptions store_options = {})
      : options_(std::move(options)), store_options_(store_options) {
    open();
    make("Namespace", "", {{"metadata", {{"name", "default"}}}});
  }

  Registry& operator*() { return *registry; }
  Registry* operator->() { return registry.get(); }

  /// As after a crash of the server.
  void reopen() {
    registry.reset();
    store.reset();
    open();
  }

  /// Creates and returns the object, or fails the test.
  Json make(std::string_view kind, const std::string& space, Json object) {
    auto made = registry->create(api::kind_of(kind), space, std::move(object));
    EXPECT_TRUE(made.ok()) << made.error().message();
    return made.ok() ? std::move(made).value() : Json();
  }
  /// Reads an object that must be there.
  Json read(std::string_view kind, const std::string& space, const std::string& name) {
    auto found = registry->get(api::kind_of(kind), space, name);
    EXPECT_TRUE(found.ok()) << found.error().message();
    return found.ok() ? std::move(found).value() : Json();
  }
  size_t count(std::string_view kind, const std::string& space = "") {
    return registry->list(api::kind_of(kind), {.namespace_name = space}).value().items.size();
  }

  TestDir dir;
  SystemClock clock;
  std::unique_ptr<ObjectStore> store;
  std::unique_ptr<Registry> registry;

 private:
  void open() {
    auto opened = ObjectStore::open(dir.file("store.db"), store_options_);
    ASSERT_TRUE(opened.ok()) << opened.error().message();
    store = std::move(opened).value();
    auto made = Registry::open(*store, clock, options_);
    ASSERT_TRUE(made.ok()) << made.error().message();
    registry = std::move(made).value();
  }

  RegistryOptions options_;
  StoreOptions store_options_;
};

/// Small valid objects.
inline Json pod_json(const std::string& name, Json labels = Json::object()) {
  return {{"metadata", {{"name", name}, {"labels", std::move(labels)}}},
          {"spec", {{"containers", Json::array({{{"name", "c"}, {"image", "busybox"}}})}}}};
}

inline Json config_map_json(const std::string& name, const std::string& value) {
  return {{"metadata", {{"name", name}}}, {"data", {{"k", value}}}};
}

}  // namespace hoplab
