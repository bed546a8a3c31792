#include "runtime/image/entry_path.h"

#include <climits>
#include <vector>

#include "runtime/base/text.h"

namespace hoplab::image {

Result<EntryPath> split_entry_path(std::string_view path) {
  const auto wrong = [&](std::string_view why) {
    return Error(ErrorCode::invalid, str("member \"", path.substr(0, 200), "\": ", why));
  };
  if (path.size() >= PATH_MAX) return wrong("the path is too long");
  if (path.find('\0') != std::string_view::npos) return wrong("the path has a NUL byte");
  std::vector<std::string> parts;
  for (std::string_view part : split(path, '/')) {
    if (part.empty() || part == ".") continue;
    if (part == "..") return wrong("\"..\" leads out of the archive");
    if (part.size() > NAME_MAX) return wrong("a name is longer than 255 bytes");
    parts.emplace_back(part);
  }
  EntryPath out;
  if (parts.empty()) return out;
  out.name = std::move(parts.back());
  parts.pop_back();
  out.parent = join(parts, "/");
  return out;
}

}  // namespace hoplab::image
