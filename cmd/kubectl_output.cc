#include "cmd/kubectl_output.h"

#include "cmd/kubectl_tabs.h"
#include "runtime/base/text.h"
#include "store/api/manifest.h"

namespace hoplab::cmd::kubectl {

namespace {

constexpr char known_formats[] =
    "custom-columns,custom-columns-file,go-template,go-template-file,json,jsonpath,"
    "jsonpath-as-json,jsonpath-file,name,template,templatefile,wide,yaml";

Error bad_format(std::string text) {
  return {ErrorCode::unsupported, std::move(text)};
}

Result<std::vector<std::pair<std::string, JsonPath>>> parse_columns(std::string_view text) {
  std::vector<std::pair<std::string, JsonPath>> columns;
  for (std::string_view part : split(text, ',')) {
    auto colon = part.find(':');
    if (colon == std::string_view::npos || colon == 0 || colon + 1 == part.size()) {
      return bad_format(
          str("unexpected custom-columns spec: ", part, ", expected <header>:<json-path-expr>"));
    }
    HOP_TRY(JsonPath path, JsonPath::parse_relaxed(part.substr(colon + 1)));
    columns.emplace_back(part.substr(0, colon), std::move(path));
  }
  if (columns.empty())
    return bad_format("custom-columns format specified but no custom columns given");
  return columns;
}

const Json::array_t& items_of(const Json& object, Json::array_t& one) {
  const Json& items = member(object, "items");
  if (items.is_array()) return items.get_ref<const Json::array_t&>();
  one.push_back(object);
  return one;
}

}  // namespace

Result<OutputFormat> OutputFormat::parse(const std::string& text, bool no_headers) {
  OutputFormat out;
  out.no_headers_ = no_headers;
  auto equals = text.find('=');
  const std::string name = text.substr(0, equals);
  const std::string argument = equals == std::string::npos ? "" : text.substr(equals + 1);
  if (text == "json" || text == "yaml" || text == "name" || text == "wide" || text.empty()) {
    out.form_ = text == "json"   ? Form::json
                : text == "yaml" ? Form::yaml
                : text == "name" ? Form::name
                : text == "wide" ? Form::wide
                                 : Form::table;
    return out;
  }
  if (name == "jsonpath") {
    if (argument.empty()) return bad_format("template format specified but no template given");
    out.form_ = Form::jsonpath;
    HOP_TRY(out.path_, JsonPath::parse(argument));
    return out;
  }
  if (name == "custom-columns") {
    out.form_ = Form::columns;
    HOP_TRY(out.columns_, parse_columns(argument));
    return out;
  }
  return bad_format(str("unable to match a printer suitable for the output format \"", text,
                        "\", allowed formats are: ", known_formats));
}

std::string OutputFormat::print(const Json& object) const {
  switch (form_) {
    case Form::json:
      return dump_json_pretty(object) + "\n";
    case Form::yaml: {
      std::string text = api::to_yaml(object);
      return text.ends_with('\n') ? text : text + "\n";
    }
    case Form::jsonpath:
      return path_->print(object);
    case Form::columns:
      return print_columns(object);
    case Form::name: {
      Json::array_t one;
      std::string out;
      for (const Json& item : items_of(object, one)) out += name_of_object(item) + "\n";
      return out;
    }
    case Form::table:
    case Form::wide:
      break;
  }
  return {};
}

std::string OutputFormat::print_columns(const Json& object) const {
  std::vector<std::vector<std::string>> rows;
  if (!no_headers_) {
    rows.emplace_back();
    for (const auto& [header, path] : columns_) rows.back().push_back(header);
  }
  Json::array_t one;
  for (const Json& item : items_of(object, one)) {
    rows.emplace_back();
    for (const auto& [header, path] : columns_) {
      std::vector<std::string> values;
      for (const Json* value : path.find(item)) values.push_back(go_text(*value));
      rows.back().push_back(values.empty() ? "<none>" : join(values, ","));
    }
  }
  return RowPrinter().print(rows);
}

std::string name_of_object(const Json& object) {
  const std::string version = string_or(object, "apiVersion");
  std::string out = to_lower(string_or(object, "kind"));
  if (auto slash = version.find('/'); slash != std::string::npos) {
    out += "." + version.substr(0, slash);
  }
  return out + "/" + api::name_of(object);
}

Json make_list(Json::array_t items) {
  return {{"apiVersion", "v1"},
          {"kind", "List"},
          {"items", std::move(items)},
          {"metadata", {{"resourceVersion", ""}, {"selfLink", ""}}}};
}

std::string go_text(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_null()) return "<none>";
  if (!value.is_structured()) return dump_json(value);
  std::vector<std::string> parts;
  for (auto it = value.begin(); it != value.end(); ++it) {
    parts.push_back(value.is_object() ? it.key() + ":" + go_text(*it) : go_text(*it));
  }
  return (value.is_object() ? "map[" : "[") + join(parts, " ") + "]";
}

}  // namespace hoplab::cmd::kubectl
