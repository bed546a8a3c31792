#include "runtime/base/architecture.h"

#include <sys/utsname.h>

#include <bit>
#include <utility>

namespace hoplab {

namespace {

/// Go's are those of `go tool dist list`.
constexpr std::pair<std::string_view, std::string_view> words_of_go[] = {
    {"x86_64", "amd64"}, {"aarch64", "arm64"}, {"i386", "386"},           {"i486", "386"},
    {"i586", "386"},     {"i686", "386"},      {"loongarch64", "loong64"}};

}  // namespace

std::string go_architecture(std::string_view machine) {
  for (const auto& [kernel, go] : words_of_go) {
    if (kernel == machine) return std::string(go);
  }
  if (machine.starts_with("arm")) return machine.ends_with('b') ? "armbe" : "arm";
  // The kernel has one word for both byte orders.
  const bool little = std::endian::native == std::endian::little;
  if (machine == "mips64") return little ? "mips64le" : "mips64";
  if (machine == "mips") return little ? "mipsle" : "mips";
  return std::string(machine);
}

std::string machine_architecture() {
  utsname name{};
  ::uname(&name);
  return go_architecture(static_cast<const char*>(name.machine));
}

}  // namespace hoplab
