#include "cmd/kubectl_output.h"

#include "cmd/kubectl_tabs.h"
#include "runtime/base/fd.h"
#include "runtime/base/text.h"
#include "store/api/manifest.h"

namespace hoplab::cmd::kubectl {

namespace {

constexpr char table_formats[] =
    "custom-columns,custom-columns-file,go-template,go-template-file,json,jsonpath,"
    "jsonpath-as-json,jsonpath-file,name,template,templatefile,wide,yaml";
constexpr char object_formats[] =
    "go-template,go-template-file,json,jsonpath,jsonpath-as-json,jsonpath-file,name,template,"
    "templatefile,yaml";

Error bad_format(std::string text) {
  return {ErrorCode::unsupported, std::move(text)};
}

Error unknown_format(const std::string& text, bool tables) {
  return bad_format(str("unable to match a printer suitable for the output format \"", text,
                        "\", allowed formats are: ", tables ? table_formats : object_formats));
}

using Columns = std::vector<std::pair<std::string, JsonPath>>;

Result<void> add_column(std::string_view header, std::string_view field, Columns& columns) {
  JsonPath path;  // Of an empty field: finds nothing.
  if (!field.empty()) {
    HOP_TRY(path, JsonPath::parse_relaxed(field));
  }
  columns.emplace_back(header, std::move(path));
  return {};
}

Result<Columns> parse_columns(std::string_view text) {
  Columns columns;
  for (std::string_view part : split(text, ',')) {
    auto colon = part.find(':');
    if (colon == std::string_view::npos) {
      return bad_format(
          str("unexpected custom-columns spec: ", part, ", expected <header>:<json-path-expr>"));
    }
    HOP_CHECK(add_column(part.substr(0, colon), part.substr(colon + 1), columns));
  }
  if (columns.empty())
    return bad_format("custom-columns format specified but no custom columns given");
  return columns;
}

/// A line of headers and a line of paths.
Result<Columns> parse_columns_file(const std::string& path) {
  auto text = read_file(path);
  if (!text) {
    return bad_format(
        str("error reading template ", path, ", open ", path, ": no such file or directory"));
  }
  constexpr char form[] =
      "Expected format is one line of space separated headers, one line of space separated column "
      "specs.";
  const auto lines = split(*text, '\n');
  if (lines.empty()) return bad_format(str("invalid template, missing header line. ", form));
  if (lines.size() < 2) return bad_format(str("invalid template, missing spec line. ", form));
  const auto headers = words(lines[0]);
  const auto fields = words(lines[1]);
  if (headers.size() != fields.size()) {
    return bad_format(str("number of headers (", headers.size(), ") and field specifications (",
                          fields.size(), ") don't match"));
  }
  Columns columns;
  for (size_t i = 0; i < headers.size(); ++i) {
    HOP_CHECK(add_column(headers[i], fields[i], columns));
  }
  return columns;
}

bool is_go_template(std::string_view name) {
  return name == "template" || name == "go-template" || name == "go-template-file" ||
         name == "templatefile";
}

bool is_json_template(std::string_view name) {
  return name == "jsonpath" || name == "jsonpath-file" || name == "jsonpath-as-json";
}

bool is_columns(std::string_view name) {
  return name == "custom-columns" || name == "custom-columns-file";
}

const Json::array_t& items_of(const Json& object, Json::array_t& one) {
  const Json& items = member(object, "items");
  if (items.is_array()) return items.get_ref<const Json::array_t&>();
  one.push_back(object);
  return one;
}

}  // namespace

Result<void> OutputFormat::set_template(const std::string& name, const std::string& argument) {
  if (is_columns(name)) {
    form_ = Form::columns;
    if (argument.empty()) {
      return bad_format("custom-columns format specified but no custom columns given");
    }
    HOP_TRY(columns_,
            name == "custom-columns" ? parse_columns(argument) : parse_columns_file(argument));
    return {};
  }
  if (argument.empty()) return bad_format("template format specified but no template given");
  std::string text = argument;
  if (name.ends_with("file")) {
    auto read = read_file(argument);
    if (!read) {
      return bad_format(str("error reading --template ", argument, ", open ", argument,
                            ": no such file or directory"));
    }
    text = *std::move(read);
  }
  if (is_go_template(name)) {
    form_ = Form::go_template;
    auto parsed = GoTemplate::parse(text);
    if (!parsed) {
      return bad_format(str("error parsing template ", text, ", ", parsed.error().message()));
    }
    go_template_ = *std::move(parsed);
    return {};
  }
  form_ = name == "jsonpath-as-json" ? Form::json_values : Form::jsonpath;
  HOP_TRY(path_, JsonPath::parse(text));
  return {};
}

Result<OutputFormat> OutputFormat::parse(const std::string& text, bool no_headers) {
  OutputFormat out;
  out.no_headers_ = no_headers;
  auto equals = text.find('=');
  const std::string name = text.substr(0, equals);
  const std::string argument = equals == std::string::npos ? "" : text.substr(equals + 1);
  const std::string lower = to_lower(text);
  if (lower == "json" || lower == "yaml" || lower == "name" || text == "wide" || text.empty()) {
    out.form_ = lower == "json"   ? Form::json
                : lower == "yaml" ? Form::yaml
                : lower == "name" ? Form::name
                : text == "wide"  ? Form::wide
                                  : Form::table;
    return out;
  }
  if (!is_go_template(name) && !is_json_template(name) && !is_columns(name)) {
    return unknown_format(text, true);
  }
  HOP_CHECK(out.set_template(name, argument));
  return out;
}

Result<OutputFormat> OutputFormat::read(const Flags& flags, bool tables) {
  const std::string text = flags.get("output");
  const std::string name = text.substr(0, text.find('='));
  if (!tables && (is_columns(name) || text == "wide")) return unknown_format(text, false);
  const std::string argument = flags.get("template");
  const bool plain = text == "json" || text == "yaml" || text == "name" || text == "wide";
  auto parsed =
      argument.empty() || plain
          ? parse(text, flags.on("no-headers"))
          : parse((text.empty() ? "go-template" : text) + "=" + argument, flags.on("no-headers"));
  if (!parsed && parsed.error().message().starts_with("unable to match")) {
    return unknown_format(text, tables);
  }
  return parsed;
}

Result<std::string> OutputFormat::print(const Json& object) const {
  switch (form_) {
    case Form::json:
      return dump_json_pretty(object) + "\n";
    case Form::yaml: {
      std::string text = api::to_yaml(object);
      return text.ends_with('\n') ? text : text + "\n";
    }
    case Form::jsonpath:
      return path_->print(object);
    case Form::json_values:
      return print_values(object);
    case Form::go_template:
      return go_template_->print(object);
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
  return std::string();
}

std::string OutputFormat::print_values(const Json& object) const {
  Json values = Json::array();
  for (const Json* value : path_->find(object)) values.push_back(*value);
  return dump_json_pretty(values) + "\n";
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
