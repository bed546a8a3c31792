#pragma once

#include <gtest/gtest.h>

#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/fd.h"
#include "runtime/base/test_dir.h"
#include "runtime/base/text.h"
#include "runtime/image/digest.h"

namespace hoplab::image {

/// Writes ustar by hand: hostile archives are not what libraries like to write.
class TarText {
 public:
  TarText& file(const std::string& path, std::string_view content, unsigned mode = 0644) {
    header(path, '0', mode, content.size(), "");
    text_ += content;
    text_.append((512 - content.size() % 512) % 512, '\0');
    return *this;
  }
  TarText& directory(const std::string& path, unsigned mode = 0755) {
    return header(path, '5', mode, 0, "");
  }
  TarText& symlink(const std::string& path, const std::string& to) {
    return header(path, '2', 0777, 0, to);
  }
  TarText& hardlink(const std::string& path, const std::string& to) {
    return header(path, '1', 0644, 0, to);
  }
  TarText& device(const std::string& path) { return header(path, '3', 0666, 0, ""); }
  TarText& fifo(const std::string& path) { return header(path, '6', 0600, 0, ""); }

  TarText& header(const std::string& path, char type, unsigned mode, size_t size,
                  const std::string& link) {
    std::string block(512, '\0');
    const auto put = [&](size_t at, const std::string& value) {
      block.replace(at, value.size(), value);
    };
    char number[13];
    put(0, path.substr(0, 100));
    std::snprintf(number, sizeof number, "%07o", mode);
    put(100, number);
    put(108, "0000000");
    put(116, "0000000");
    std::snprintf(number, sizeof number, "%011zo", size);
    put(124, number);
    put(136, "00000000000");
    put(148, "        ");
    block[156] = type;
    put(157, link.substr(0, 100));
    put(257, std::string("ustar\0"
                         "00",
                         8));
    unsigned sum = 0;
    for (unsigned char c : block) sum += c;
    std::snprintf(number, sizeof number, "%06o", sum);
    put(148, std::string(number) + std::string("\0 ", 2));
    text_ += block;
    return *this;
  }

  [[nodiscard]] std::string text() const { return text_ + std::string(1024, '\0'); }

 private:
  std::string text_;
};

inline void write_text(const std::string& path, std::string_view text) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path, std::ios::binary) << text;
}

inline std::string text_of_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace hoplab::image
