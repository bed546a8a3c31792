// Runs every committed input of every fuzz target once: fuzz_replay CORPUS. A corpus without a
// target, and a target without a corpus, fail.

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include "runtime/base/fd.h"

#define FUZZ_TARGET(name) extern "C" int name(const uint8_t* data, size_t size);
#include "fuzz_targets.inc"
#undef FUZZ_TARGET

namespace {

using Target = int (*)(const uint8_t*, size_t);

const std::map<std::string, Target> targets = {
#define FUZZ_TARGET(name) {#name, name},
#include "fuzz_targets.inc"
#undef FUZZ_TARGET
};

std::vector<std::string> inputs_in(const std::filesystem::path& folder) {
  std::vector<std::string> paths;
  std::error_code problem;
  for (const auto& entry : std::filesystem::directory_iterator(folder, problem)) {
    paths.push_back(entry.path().string());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

/// False when an input cannot be read. A target that is wrong ends the program: the last line
/// printed names its input.
bool replay(const std::string& path, Target target) {
  std::cout << path << std::endl;
  auto text = hoplab::read_file(path);
  if (!text) {
    std::cerr << text.error().message() << "\n";
    return false;
  }
  // A block of exactly the input's size: reading past its end is seen by AddressSanitizer.
  const std::vector<uint8_t> bytes(text->begin(), text->end());
  target(bytes.data(), bytes.size());
  return true;
}

bool replay_all(const std::filesystem::path& corpus) {
  bool good = true;
  for (const std::string& folder : inputs_in(corpus)) {
    if (targets.contains(std::filesystem::path(folder).filename())) continue;
    std::cerr << folder << ": there is no such fuzz target\n";
    good = false;
  }
  for (const auto& [name, target] : targets) {
    const std::vector<std::string> inputs = inputs_in(corpus / name);
    if (inputs.empty()) {
      std::cerr << (corpus / name).string() << ": holds no input\n";
      good = false;
    }
    for (const std::string& path : inputs) good = replay(path, target) && good;
  }
  return good;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: fuzz_replay CORPUS\n";
    return 2;
  }
  return replay_all(argv[1]) ? 0 : 1;
}
