#include "cmd/process_title.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <span>
#include <string>
#include <vector>

namespace hoplab::cmd {

namespace {

/// The memory of the arguments and, right behind it, of the environment as the kernel put it there.
std::span<char> find_title_space() {
  // glibc keeps the original argv[0], wherever main was called from.
  char* begin = program_invocation_name;
  char* end = begin + std::strlen(begin) + 1;
  // The other arguments, up to where the environment begins.
  char* environment = environ != nullptr && *environ != nullptr ? *environ : end;
  if (environment > end) end = environment;
  for (char** entry = environ; entry != nullptr && *entry == end; ++entry) {
    end += std::strlen(end) + 1;
  }
  return {begin, end};
}

void keep_environment() {
  static std::vector<std::string> kept;
  static std::vector<char*> entries;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    kept.emplace_back(*entry);
  }
  for (std::string& entry : kept) entries.push_back(entry.data());
  entries.push_back(nullptr);
  environ = entries.data();
}

}  // namespace

void set_process_title(std::string_view title) {
  static std::span<char> space;
  if (space.empty()) {
    space = find_title_space();
    keep_environment();
    // Error messages of the C library name the program; its name is overwritten below.
    static std::string name = program_invocation_name;
    program_invocation_name = name.data();
  }
  size_t length = std::min(title.size(), space.size() - 1);
  std::memcpy(space.data(), title.data(), length);
  std::memset(space.data() + length, 0, space.size() - length);
}

}  // namespace hoplab::cmd
