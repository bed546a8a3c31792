#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

namespace hoplab {

/// For tests: the text is that of tests/golden/NAME.txt. HOPLAB_WRITE_GOLDEN=1 writes the file.
inline void expect_golden_file(const std::string& name, const std::string& text) {
  const std::string path = "tests/golden/" + name + ".txt";
  if (std::getenv("HOPLAB_WRITE_GOLDEN") != nullptr) {
    std::ofstream(path) << text;
    return;
  }
  std::ifstream file(path);
  ASSERT_TRUE(file) << path;
  EXPECT_EQ(text, std::string(std::istreambuf_iterator<char>(file), {})) << path;
}

}  // namespace hoplab
