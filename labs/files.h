#pragma once

#include <map>
#include <string>
#include <string_view>

#include "runtime/base/result.h"

namespace hoplab::labs {

/// The files of one or many lessons, "02-veth/lesson.yaml" -> text.
struct LessonFiles {
  std::map<std::string, std::string> texts;
  std::string where;  ///< In front of the names in messages: a folder, or "built in".
};

/// The lessons inside the executable (labs/CMakeLists.txt packs labs/lessons).
LessonFiles built_in_lessons();
/// A folder of lesson folders. Files that are no YAML are left alone.
Result<LessonFiles> read_lessons_folder(const std::string& folder);
/// One lesson: its folder, or a file in it.
Result<LessonFiles> read_lesson_folder(const std::string& path);

/// Reads what the build packs: "path\nsize\nbytes" again and again. Pure.
Result<std::map<std::string, std::string>> unpack_lessons(std::string_view packed);

}  // namespace hoplab::labs
