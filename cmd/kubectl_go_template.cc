#include "cmd/kubectl_go_template.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>

#include "cmd/kubectl_go_template_parse.h"
#include "cmd/kubectl_output.h"
#include "runtime/base/base64.h"
#include "runtime/base/text.h"

namespace hoplab::cmd::kubectl {

namespace {

using Nodes = std::vector<std::shared_ptr<const GoTemplate::Node>>;
using Node = GoTemplate::Node;
using Arguments = std::vector<Json>;

Error wrong(std::string message) {
  return {ErrorCode::unsupported, std::move(message)};
}

bool is_true(const Json& value) {
  if (value.is_null()) return false;
  if (value.is_boolean()) return value.get<bool>();
  if (value.is_number()) return value != Json(0);
  if (value.is_string()) return !value.get_ref<const std::string&>().empty();
  return !value.empty();
}

std::string shown(const Json& value) {
  return value.is_null() ? "<no value>" : go_text(value);
}

std::string type_name(const Json& value) {
  return value.is_string()    ? "string"
         : value.is_number()  ? "float64"
         : value.is_boolean() ? "bool"
         : value.is_array()   ? "[]interface {}"
         : value.is_null()    ? "nil"
                              : "map[string]interface {}";
}

Result<Json> index(const Arguments& arguments) {
  if (arguments.empty()) return wrong("wrong number of args for index: want at least 1 got 0");
  Json value = arguments[0];
  for (size_t i = 1; i < arguments.size(); ++i) {
    const Json& key = arguments[i];
    if (value.is_object()) {
      if (!key.is_string())
        return wrong("error calling index: value has type int; should be string");
      value = Json(member(value, key.get_ref<const std::string&>()));
      continue;
    }
    if (!value.is_array()) return wrong("error calling index: index of untyped nil");
    if (!key.is_number_integer()) {
      return wrong("error calling index: cannot index slice/array with type " + type_name(key));
    }
    const int64_t at = key.get<int64_t>();
    if (at < 0 || at >= static_cast<int64_t>(value.size())) {
      return wrong(str("error calling index: index out of range: ", at));
    }
    value = Json(value[static_cast<size_t>(at)]);
  }
  return value;
}

Result<Json> length(const Arguments& arguments) {
  if (arguments.size() != 1)
    return wrong(str("wrong number of args for len: want 1 got ", arguments.size()));
  const Json& value = arguments[0];
  if (value.is_string()) return Json(value.get_ref<const std::string&>().size());
  if (!value.is_structured()) return wrong("error calling len: len of " + type_name(value));
  return Json(value.size());
}

Result<Json> compare(const std::string& name, const Arguments& arguments) {
  if (arguments.size() < 2)
    return wrong("error calling " + name + ": missing argument for comparison");
  const Json& a = arguments[0];
  if (name == "eq") {
    for (size_t i = 1; i < arguments.size(); ++i) {
      if (a == arguments[i]) return Json(true);
    }
    return Json(false);
  }
  const Json& b = arguments[1];
  if (name == "ne") return Json(a != b);
  if (a.is_number() != b.is_number() || a.is_string() != b.is_string()) {
    return wrong("error calling " + name + ": incompatible types for comparison");
  }
  if (name == "lt") return Json(a < b);
  if (name == "le") return Json(a <= b);
  return Json(name == "gt" ? a > b : a >= b);
}

constexpr size_t widest = 1'000'000;  // As in Go, whose mark for it this prints.

/// %s, %v, %d and %q, with a width like %-10s.
Json print_format(const Arguments& arguments) {
  const std::string format = arguments.empty() ? "" : shown(arguments[0]);
  std::string out;
  size_t next = 1;
  for (size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%') {
      out += format[i];
      continue;
    }
    const size_t end = format.find_first_not_of("-0123456789.", i + 1);
    if (end == std::string::npos) break;
    if (format[end] == '%') {
      out += '%';
    } else {
      std::string text = next < arguments.size() ? shown(arguments[next])
                                                 : "%!" + format.substr(end, 1) + "(MISSING)";
      ++next;
      if (format[end] == 'q') text = dump_json(Json(text));
      const bool left = format[i + 1] == '-';
      const size_t width = strtoul(format.c_str() + i + (left ? 2 : 1), nullptr, 10);
      if (width > widest) {
        text = "%!(BADWIDTH)" + text;
      } else if (text.size() < width) {
        text.insert(left ? text.size() : 0, width - text.size(), ' ');
      }
      out += text;
    }
    i = end;
  }
  return Json(std::move(out));
}

/// Operands stand side by side; blanks only between two that are no texts.
std::string print_all(const Arguments& arguments, bool line) {
  std::string out;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const bool blank =
        line || (i > 0 && !arguments[i].is_string() && !arguments[i - 1].is_string());
    if (i > 0 && blank) out += ' ';
    out += shown(arguments[i]);
  }
  return line ? out + "\n" : out;
}

std::string upper_words(std::string text, bool first_letters_only) {
  bool begins = true;
  for (char& c : text) {
    if (!first_letters_only || begins) {
      c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    }
    begins = c == ' ';
  }
  return text;
}

/// docker's own; the piped value comes last, as in {{join .List ","}} it stands first.
Result<Json> call_docker(const std::string& name, const Arguments& arguments) {
  const size_t wanted = name == "join" || name == "split" || name == "truncate" ? 2 : 1;
  if (arguments.size() != wanted) {
    return wrong(
        str("wrong number of args for ", name, ": want ", wanted, " got ", arguments.size()));
  }
  const Json& value = arguments[0];
  if (name == "json") return Json(dump_json(value));
  if (name == "join") {
    std::vector<std::string> parts;
    for (const Json& each : value) parts.push_back(shown(each));
    return Json(join(parts, shown(arguments[1])));
  }
  const std::string text = shown(value);
  if (name == "lower") return Json(to_lower(text));
  if (name == "upper" || name == "title") return Json(upper_words(text, name == "title"));
  if (name == "truncate") {
    if (!arguments[1].is_number_integer()) return wrong("error calling truncate: no number");
    return Json(
        text.substr(0, static_cast<size_t>(std::max<int64_t>(0, arguments[1].get<int64_t>()))));
  }
  Json parts = Json::array();
  const std::string separator = shown(arguments[1]);
  if (separator.empty()) return wrong("error calling split: no separator");
  for (size_t at = 0;;) {
    const size_t end = text.find(separator, at);
    parts.push_back(text.substr(at, end - at));
    if (end == std::string::npos) return parts;
    at = end + separator.size();
  }
}

Result<Json> call(const std::string& name, const Arguments& arguments) {
  if (name == "index") return index(arguments);
  if (name == "len") return length(arguments);
  if (name == "not") return Json(arguments.empty() || !is_true(arguments[0]));
  if (name == "printf") return print_format(arguments);
  if (name == "print" || name == "println") return Json(print_all(arguments, name == "println"));
  if (name == "html") return Json(print_all(arguments, false));
  if (name == "and" || name == "or") {
    for (const Json& argument : arguments) {
      if (is_true(argument) == (name == "or")) return argument;
    }
    return arguments.empty() ? Json() : arguments.back();
  }
  if (name == "base64decode") {
    auto decoded = base64_decode(arguments.empty() ? "" : shown(arguments[0]));
    if (!decoded) return wrong("error calling base64decode: illegal base64 data");
    return Json(*std::move(decoded));
  }
  if (name == "exists") {
    auto found = index(arguments);
    return Json(found.ok() && !found->is_null());
  }
  constexpr std::array comparisons{"eq", "ne", "lt", "le", "gt", "ge"};
  if (std::find(comparisons.begin(), comparisons.end(), name) == comparisons.end()) {
    return call_docker(name, arguments);
  }
  return compare(name, arguments);
}

class Run {
 public:
  explicit Run(const Json& data) { variables_.emplace_back("$", data); }

  Result<void> nodes(const Nodes& list, const Json& dot) {
    const size_t scope = variables_.size();
    for (const auto& node : list) HOP_CHECK(one(*node, dot));
    variables_.resize(scope);
    return {};
  }

  std::string out;

 private:
  Result<void> one(const Node& node, const Json& dot) {
    if (node.kind == Node::Kind::text) {
      out += node.text;
      return {};
    }
    const size_t scope = variables_.size();
    HOP_TRY(Json value, pipe(node.pipe, dot, node.kind != Node::Kind::range));
    if (node.kind == Node::Kind::output) {
      if (node.pipe.variables.empty()) out += shown(value);
      return {};  // A variable lives on to the end of the block.
    }
    if (node.kind == Node::Kind::range) {
      HOP_CHECK(range(node, value, dot));
    } else if (is_true(value)) {
      HOP_CHECK(nodes(node.body, node.kind == Node::Kind::with ? value : dot));
    } else {
      HOP_CHECK(nodes(node.other, dot));
    }
    variables_.resize(scope);
    return {};
  }

  Result<void> range(const Node& node, const Json& value, const Json& dot) {
    if (!value.is_null() && !value.is_structured()) {
      return wrong(str("range can't iterate over ", shown(value)));
    }
    if (value.empty()) return nodes(node.other, dot);
    const auto& names = node.pipe.variables;
    size_t position = 0;
    for (auto it = value.begin(); it != value.end(); ++it) {
      const size_t scope = variables_.size();
      const Json key = value.is_object() ? Json(it.key()) : Json(position++);
      if (names.size() == 2) variables_.emplace_back(names[0], key);
      if (!names.empty()) variables_.emplace_back(names.back(), *it);
      HOP_CHECK(nodes(node.body, *it));
      variables_.resize(scope);
    }
    return {};
  }

  Result<Json> pipe(const TemplatePipe& pipe, const Json& dot, bool declare) {
    Json value;
    bool piped = false;
    for (const auto& command : pipe.commands) {
      HOP_TRY(value, run_command(command, dot, piped ? &value : nullptr));
      piped = true;
    }
    if (declare && !pipe.variables.empty()) HOP_CHECK(set(pipe, value));
    return value;
  }

  Result<void> set(const TemplatePipe& pipe, const Json& value) {
    if (pipe.declares) {
      variables_.emplace_back(pipe.variables.back(), value);
      return {};
    }
    for (auto it = variables_.rbegin(); it != variables_.rend(); ++it) {
      if (it->first != pipe.variables.back()) continue;
      it->second = value;
      return {};
    }
    return wrong("undefined variable \"" + pipe.variables.back() + "\"");
  }

  Result<Json> run_command(const std::vector<TemplateTerm>& command, const Json& dot,
                           const Json* piped) {
    const TemplateTerm& first = command[0];
    if (first.kind != TemplateTerm::Kind::function) {
      if (command.size() > 1 || piped != nullptr)
        return wrong("can't give argument to non-function");
      return value_of(first, dot);
    }
    Arguments arguments;
    for (size_t i = 1; i < command.size(); ++i) {
      HOP_TRY(Json argument, value_of(command[i], dot));
      arguments.push_back(std::move(argument));
    }
    if (piped != nullptr) arguments.push_back(*piped);
    return call(first.name, arguments);
  }

  Result<Json> value_of(const TemplateTerm& term, const Json& dot) {
    Json value = term.literal;
    if (term.kind == TemplateTerm::Kind::dot) value = dot;
    if (term.kind == TemplateTerm::Kind::function) return call(term.name, {});
    if (term.kind == TemplateTerm::Kind::pipe) {
      HOP_TRY(value, pipe(*term.inner, dot, true));
    }
    if (term.kind == TemplateTerm::Kind::variable) {
      HOP_TRY(value, variable(term.name));
    }
    for (const std::string& name : term.path) {
      if (value.is_null()) return wrong("nil pointer evaluating interface {}." + name);
      if (!value.is_object()) {
        return wrong(str("can't evaluate field ", name, " in type ", type_name(value)));
      }
      value = Json(member(value, name));
    }
    return value;
  }

  Result<Json> variable(const std::string& name) const {
    for (auto it = variables_.rbegin(); it != variables_.rend(); ++it) {
      if (it->first == name) return it->second;
    }
    return wrong("undefined variable \"" + name + "\"");
  }

  std::vector<std::pair<std::string, Json>> variables_;
};

}  // namespace

Result<GoTemplate> GoTemplate::parse(std::string_view text, TemplateFunctions functions) {
  GoTemplate out;
  HOP_TRY(out.nodes_, parse_template(text, functions));
  return out;
}

Result<std::string> GoTemplate::print(const Json& data) const {
  Run run(data);
  auto done = run.nodes(nodes_, data);
  if (!done) return wrong("error executing template: " + done.error().message());
  return std::move(run.out);
}

}  // namespace hoplab::cmd::kubectl
