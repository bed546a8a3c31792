#pragma once

#include <string>
#include <string_view>

namespace hoplab::api {

/// Appends a string as the emitter of Go's yaml.v2 would write it as a value: plain, quoted, or a
/// `|` block; long lines folded at blanks past `width`. `indent` is the column of continued lines;
/// the present column is read off `out`.
void append_yaml_string(std::string& out, std::string_view text, size_t indent, size_t width);

/// Appends a string as a map key: always on one line.
void append_yaml_key(std::string& out, std::string_view text);

}  // namespace hoplab::api
