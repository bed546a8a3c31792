#include "runtime/image/folder.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "runtime/base/fd.h"
#include "runtime/base/text.h"

namespace hoplab::image {

namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

std::string default_store_folder() {
  if (std::string chosen = environment("HOPLAB_IMAGES"); !chosen.empty()) {
    std::error_code failed;
    auto absolute = std::filesystem::absolute(chosen, failed);
    return failed ? chosen : absolute.lexically_normal().string();
  }
  if (::getuid() == 0) return "/var/cache/hoplab/images";
  std::string data = environment("XDG_DATA_HOME");
  if (!data.starts_with('/')) data = environment("HOME") + "/.local/share";
  return data + "/hoplab/images";
}

Whiteouts own_whiteouts() {
  // "0 0 4294967295": every id maps to itself, so this is no user namespace of somebody's own.
  auto map = read_file("/proc/self/uid_map");
  bool initial = map && words(*map).size() == 3 && words(*map)[0] == "0" && words(*map)[1] == "0" &&
                 words(*map)[2] == "4294967295";
  return initial && ::getuid() == 0 ? Whiteouts::overlay_trusted : Whiteouts::overlay_user;
}

}  // namespace hoplab::image
