#include "cmd/kubectl_flags.h"

#include <algorithm>
#include <charconv>

#include "runtime/base/text.h"

namespace hoplab::cmd::kubectl {

namespace {

Error usage(std::string text) {
  return {ErrorCode::unsupported, std::move(text)};
}

bool is_true(std::string_view text) {
  return text == "true" || text == "1" || text == "t" || text == "T" || text == "True" ||
         text == "TRUE";
}

bool is_boolean(std::string_view text) {
  return is_true(text) || text == "false" || text == "0" || text == "f" || text == "F" ||
         text == "False" || text == "FALSE";
}

std::optional<int64_t> whole_number(std::string_view text) {
  int64_t value = 0;
  if (text.starts_with('+')) text.remove_prefix(1);
  auto [stopped, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc() || stopped != text.data() + text.size()) return std::nullopt;
  return value;
}

/// What Go's strconv and time say about a value of the wrong form; "" when it is right.
std::string mistake_in(FlagKind kind, const std::string& value) {
  const std::string syntax = str("parsing \"", value, "\": invalid syntax");
  if (kind == FlagKind::boolean && !is_boolean(value)) return "strconv.ParseBool: " + syntax;
  if (kind == FlagKind::number && !whole_number(value)) return "strconv.ParseInt: " + syntax;
  if (kind == FlagKind::duration && !parse_duration(value)) {
    return str("time: invalid duration \"", value, "\"");
  }
  return {};
}

}  // namespace

const FlagSpec* Flags::find(std::string_view name) const {
  auto it = std::find_if(specs_.begin(), specs_.end(),
                         [&](const auto& spec) { return spec.name == name; });
  return it == specs_.end() ? nullptr : &*it;
}

const FlagSpec* Flags::find(char letter) const {
  auto it = std::find_if(specs_.begin(), specs_.end(),
                         [&](const auto& spec) { return letter != 0 && spec.letter == letter; });
  return it == specs_.end() ? nullptr : &*it;
}

Result<void> Flags::set(const FlagSpec& spec, std::string value) {
  if (auto wrong = mistake_in(spec.kind, value); !wrong.empty()) {
    const std::string letter = spec.letter == 0 ? "" : str("-", spec.letter, ", ");
    return usage(str("invalid argument \"", value, "\" for \"", letter, "--", spec.name,
                     "\" flag: ", wrong));
  }
  values_[std::string(spec.name)].push_back(std::move(value));
  return {};
}

Result<void> Flags::read_long(Args args, size_t& at) {
  std::string_view text = std::string_view(args[at]).substr(2);
  auto equals = text.find('=');
  std::string_view name = text.substr(0, equals);
  const FlagSpec* spec = find(name);
  if (spec == nullptr) return usage(str("unknown flag: --", name));
  if (equals != std::string_view::npos) {
    return set(*spec, std::string(text.substr(equals + 1)));
  }
  if (spec->kind == FlagKind::boolean) return set(*spec, "true");
  if (spec->kind == FlagKind::optional_value) return set(*spec, std::string(spec->implied));
  if (at + 1 == args.size()) return usage(str("flag needs an argument: --", name));
  return set(*spec, args[++at]);
}

Result<void> Flags::read_bundle(Args args, size_t& at) {
  std::string_view text = std::string_view(args[at]).substr(1);
  for (size_t i = 0; i < text.size(); ++i) {
    const FlagSpec* spec = find(text[i]);
    std::string_view rest = text.substr(i + 1);
    if (spec == nullptr) {
      return usage(str("unknown shorthand flag: '", text[i], "' in -", text.substr(i)));
    }
    if (rest.starts_with('=')) return set(*spec, std::string(rest.substr(1)));
    if (spec->kind == FlagKind::boolean) {
      HOP_CHECK(set(*spec, "true"));
      continue;
    }
    if (spec->kind == FlagKind::optional_value && rest.empty()) {
      return set(*spec, std::string(spec->implied));
    }
    if (!rest.empty()) return set(*spec, std::string(rest));
    if (at + 1 == args.size()) {
      return usage(str("flag needs an argument: '", text[i], "' in -", text.substr(i)));
    }
    return set(*spec, args[++at]);
  }
  return {};
}

Result<Flags> Flags::parse(std::vector<FlagSpec> specs, std::span<const std::string> args,
                           bool flags_first) {
  Flags flags;
  flags.specs_ = std::move(specs);
  for (size_t at = 0; at < args.size(); ++at) {
    const std::string& arg = args[at];
    const bool over = flags_first && !flags.args_.empty();
    if (!over && arg == "--" && flags_first) {
      flags.args_.assign(args.begin() + static_cast<long>(at) + 1, args.end());
      break;
    } else if (!over && arg == "--") {
      flags.has_dash_ = true;
      flags.after_dash_.assign(args.begin() + static_cast<long>(at) + 1, args.end());
      break;
    } else if (!over && arg.starts_with("--")) {
      HOP_CHECK(flags.read_long(args, at));
    } else if (!over && arg.size() > 1 && arg[0] == '-') {
      HOP_CHECK(flags.read_bundle(args, at));
    } else {
      flags.args_.push_back(arg);
    }
  }
  return flags;
}

bool Flags::given(std::string_view name) const {
  return values_.find(name) != values_.end();
}

bool Flags::on(std::string_view name) const {
  return is_true(get(name));
}

std::string Flags::get(std::string_view name) const {
  auto it = values_.find(name);
  if (it != values_.end()) return it->second.back();
  const FlagSpec* spec = find(name);
  return spec == nullptr ? std::string() : std::string(spec->fallback);
}

std::vector<std::string> Flags::all(std::string_view name) const {
  auto it = values_.find(name);
  return it == values_.end() ? std::vector<std::string>() : it->second;
}

std::vector<std::string> Flags::list(std::string_view name) const {
  std::vector<std::string> out;
  for (const std::string& value : all(name)) {
    for (std::string_view part : split(value, ',')) out.emplace_back(part);
  }
  return out;
}

int64_t Flags::number(std::string_view name) const {
  return whole_number(get(name)).value_or(0);
}

Millis Flags::duration(std::string_view name) const {
  return parse_duration(get(name)).value_or(Millis(0));
}

std::optional<Millis> parse_duration(std::string_view text) {
  if (text == "0") return Millis(0);
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  double total = 0;
  bool any = false;
  while (!text.empty()) {
    double number = 0;
    auto [stopped, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (failed != std::errc() || text[0] == '-') return std::nullopt;
    text.remove_prefix(static_cast<size_t>(stopped - text.data()));
    auto unit = text.substr(0, text.find_first_of("0123456789."));
    const double scale = unit == "ms"  ? 1
                         : unit == "s" ? 1e3
                         : unit == "m" ? 6e4
                         : unit == "h" ? 3.6e6
                                       : 0;
    if (scale == 0) return std::nullopt;
    total += number * scale;
    text.remove_prefix(unit.size());
    any = true;
  }
  if (!any || total > 1e12) return std::nullopt;
  return Millis(static_cast<int64_t>(negative ? -total : total));
}

std::string flags_help(std::span<const FlagSpec> specs) {
  std::string out;
  for (const FlagSpec& spec : specs) {
    if (spec.help.empty()) continue;
    const bool text = spec.kind == FlagKind::value || spec.kind == FlagKind::optional_value;
    std::string fallback(spec.fallback);
    if (spec.kind == FlagKind::boolean && fallback.empty()) fallback = "false";
    if (text) fallback = "'" + fallback + "'";
    out += spec.letter == 0 ? "      " : str("  -", spec.letter, ", ");
    out += str("--", spec.name, "=", fallback, ": ", spec.help, "\n");
  }
  return out;
}

}  // namespace hoplab::cmd::kubectl
