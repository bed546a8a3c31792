#include "store/api/yaml_read.h"

#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <sstream>

#include "runtime/base/text.h"
#include "store/api/yaml_builder.h"

namespace hoplab::api {

namespace {

std::string place(std::string_view file, int line, int column) {
  return str(file, file.empty() ? "" : ": ", "line ", line, ", column ", column);
}

/// Offset of the first byte that is not UTF-8 (or is NUL), npos when all is well.
size_t bad_utf8_at(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    auto c = static_cast<unsigned char>(text[i]);
    size_t length = c < 0x80          ? 1
                    : (c >> 5U) == 6  ? 2
                    : (c >> 4U) == 14 ? 3
                    : (c >> 3U) == 30 ? 4
                                      : 0;
    if (c == 0 || length == 0 || c == 0xC0 || c == 0xC1 || i + length > text.size()) return i;
    for (size_t n = 1; n < length; ++n) {
      if ((static_cast<unsigned char>(text[i + n]) & 0xC0U) != 0x80) return i;
    }
    i += length;
  }
  return std::string_view::npos;
}

Result<void> check_utf8(std::string_view text, std::string_view file) {
  size_t bad = bad_utf8_at(text);
  if (bad == std::string_view::npos) return {};
  std::string_view before = text.substr(0, bad);
  auto line = 1 + std::count(before.begin(), before.end(), '\n');
  auto start = before.rfind('\n');
  auto column = bad - (start == std::string_view::npos ? 0 : start + 1) + 1;
  return Error(ErrorCode::bad_request,
               str(place(file, static_cast<int>(line), static_cast<int>(column)),
                   ": the text is not valid UTF-8"));
}

}  // namespace

Result<std::vector<YamlDocument>> read_yaml(std::string_view text, std::string_view file) {
  HOP_CHECK(check_utf8(text, file));
  std::vector<YamlDocument> documents;
  auto failure = [&file](const YAML::Mark& mark, std::string_view what) {
    return Error(ErrorCode::bad_request,
                 str(place(file, mark.line + 1, mark.column + 1), ": ", what));
  };
  try {
    std::istringstream in{std::string(text)};
    YAML::Parser parser(in);
    YamlBuilder builder;
    while (parser.HandleNextDocument(builder)) documents.push_back(builder.take_document());
  } catch (const YamlMistake& e) {
    return failure(e.mark, e.what);
  } catch (const YAML::Exception& e) {
    return failure(e.mark, e.msg);
  } catch (const std::exception& e) {
    return Error(ErrorCode::bad_request, str(file, file.empty() ? "" : ": ", "YAML: ", e.what()));
  }
  return documents;
}

}  // namespace hoplab::api
