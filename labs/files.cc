#include "labs/files.h"

#include <dirent.h>
#include <sys/stat.h>

#include <cerrno>
#include <charconv>
#include <memory>
#include <vector>

#include "runtime/base/fd.h"
#include "runtime/base/text.h"

// As pause is (runtime/proc/pause_program.cc).
asm(".pushsection .rodata\n"
    ".global hoplab_lessons_begin\n"
    ".global hoplab_lessons_end\n"
    "hoplab_lessons_begin:\n"
    ".incbin \"" HOPLAB_LESSONS
    "\"\n"
    "hoplab_lessons_end:\n"
    ".popsection\n");

extern "C" {
extern const char hoplab_lessons_begin[];
extern const char hoplab_lessons_end[];
}

namespace hoplab::labs {

namespace {

constexpr size_t largest_file = 1U << 20U;
constexpr size_t most_lessons = 1000;

Result<std::vector<std::string>> names_in(const std::string& folder) {
  std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir(folder.c_str()), ::closedir);
  if (!dir) return Error::from_errno(errno, "opening folder " + folder);
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(dir.get())) {
    std::string name = entry->d_name;
    if (!name.starts_with(".")) names.push_back(std::move(name));
  }
  return names;
}

bool is_folder(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

Result<void> add_folder(LessonFiles& files, const std::string& folder, const std::string& prefix) {
  HOP_TRY(auto names, names_in(folder));
  for (const auto& name : names) {
    if (!name.ends_with(".yaml")) continue;
    HOP_TRY(files.texts[prefix + name], read_file(str(folder, '/', name), largest_file));
  }
  return {};
}

}  // namespace

LessonFiles built_in_lessons() {
  std::string_view packed{hoplab_lessons_begin,
                          static_cast<size_t>(hoplab_lessons_end - hoplab_lessons_begin)};
  LessonFiles files;
  files.where = "built in";
  if (auto texts = unpack_lessons(packed)) files.texts = *std::move(texts);
  return files;
}

Result<std::map<std::string, std::string>> unpack_lessons(std::string_view packed) {
  std::map<std::string, std::string> texts;
  auto line = [&packed]() -> std::string_view {
    auto end = packed.find('\n');
    if (end == std::string_view::npos) return {};
    std::string_view got = packed.substr(0, end);
    packed.remove_prefix(end + 1);
    return got;
  };
  while (!packed.empty()) {
    std::string_view name = line();
    std::string_view size_text = line();
    size_t size = 0;
    auto [end, ec] = std::from_chars(size_text.data(), size_text.data() + size_text.size(), size);
    if (name.empty() || ec != std::errc() || size > packed.size()) {
      return Error(ErrorCode::internal, "the packed lessons are damaged");
    }
    texts.emplace(name, packed.substr(0, size));
    packed.remove_prefix(size);
  }
  return texts;
}

Result<LessonFiles> read_lessons_folder(const std::string& folder) {
  LessonFiles files;
  files.where = folder;
  HOP_TRY(auto names, names_in(folder));
  if (names.size() > most_lessons) {
    return Error(ErrorCode::invalid, str(folder, " has more than ", most_lessons, " entries"));
  }
  for (const auto& name : names) {
    std::string path = str(folder, '/', name);
    if (is_folder(path)) HOP_CHECK(add_folder(files, path, name + "/"));
  }
  return files;
}

Result<LessonFiles> read_lesson_folder(const std::string& path) {
  std::string folder = path;
  if (!is_folder(folder)) {
    auto slash = folder.rfind('/');
    folder = slash == std::string::npos ? "." : folder.substr(0, slash);
  }
  while (folder.size() > 1 && folder.ends_with("/")) folder.pop_back();
  LessonFiles files;
  auto slash = folder.rfind('/');
  files.where = slash == std::string::npos ? "" : folder.substr(0, slash);
  HOP_CHECK(add_folder(files, folder, folder.substr(slash + 1) + "/"));
  return files;
}

}  // namespace hoplab::labs
