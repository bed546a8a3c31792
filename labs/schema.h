#pragma once

#include <map>
#include <string>

#include "runtime/base/json.h"

namespace hoplab::labs {

/// The JSON schema of lesson.yaml, made from the same tables that the loader reads with. Published
/// as docs/lesson.schema.json.
Json lesson_schema();

/// A small lesson that is valid, to begin from: file -> text. Pure.
std::map<std::string, std::string> lesson_template(const std::string& id, int number);

}  // namespace hoplab::labs
