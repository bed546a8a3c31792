#include "store/api/yaml_read.h"

#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <sstream>

#include "runtime/base/text.h"
#include "store/api/yaml_builder.h"
#include "store/api/yaml_scalar.h"

namespace hoplab::api {

namespace {

std::string place(std::string_view file, int line, int column) {
  return str(file, file.empty() ? "" : ": ", "line ", line, ", column ", column);
}

Result<void> check_utf8(std::string_view text, std::string_view file) {
  size_t bad = std::min(bad_utf8_at(text), text.find('\0'));
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
