#pragma once

#include <fcntl.h>
#include <stdlib.h>

#include <filesystem>
#include <string>

#include "runtime/base/directory.h"

namespace hoplab {

/// A directory of its own for one test, removed at the end.
class TestDir {
 public:
  TestDir() {
    std::string name = (std::filesystem::temp_directory_path() / "hoplab-test-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) std::abort();
    path_ = name;
  }
  TestDir(const TestDir&) = delete;
  TestDir& operator=(const TestDir&) = delete;
  ~TestDir() {
    const std::filesystem::path path(path_);
    auto parent = open_fd(path.parent_path().string(), O_RDONLY | O_DIRECTORY);
    if (parent) (void)remove_tree(*parent, path.filename().string()).ok();
  }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace hoplab
