#pragma once

#include <vector>

#include "labs/files.h"
#include "labs/lesson.h"
#include "labs/reader.h"

namespace hoplab::labs {

/// Reads and checks lessons: unknown fields and checks, ids given twice, texts missing in one of
/// the languages, references to nothing, cycles. The error is `invalid` and has a line
/// "FILE:LINE: FIELD: what" for each mistake. Sorted by number. Pure.
/// With `alone`, `after` may name lessons that are not among the files.
Result<std::vector<Lesson>> load_lessons(const LessonFiles& files, bool alone = false);

// Parts, for load.cc.

/// One entry of a `check:` list.
Check load_check(const Source& source, const Json& value, const std::string& path,
                 Mistakes& mistakes);
/// One language file; `lesson` says which texts there must be.
LessonText load_text(const Source& source, const Lesson& lesson, Mistakes& mistakes);
/// Features of the kernel that a step may need.
const std::vector<std::string_view>& known_needs();

}  // namespace hoplab::labs
