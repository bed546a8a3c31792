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
  return text == "true" || text == "1" || text == "t" || text == "T" || text == "True";
}

bool is_boolean(std::string_view text) {
  return is_true(text) || text == "false" || text == "0" || text == "f" || text == "F" ||
         text == "False";
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

Result<void> Flags::set(const FlagSpec& spec, std::string value, std::string_view as_written) {
  if (spec.kind == FlagKind::boolean && !is_boolean(value)) {
    return usage(str("invalid argument \"", value, "\" for \"", as_written,
                     "\" flag: strconv.ParseBool: parsing \"", value, "\": invalid syntax"));
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
    return set(*spec, std::string(text.substr(equals + 1)), str("--", name));
  }
  if (spec->kind == FlagKind::boolean) return set(*spec, "true", name);
  if (spec->kind == FlagKind::optional_value) return set(*spec, std::string(spec->implied), name);
  if (at + 1 == args.size()) return usage(str("flag needs an argument: --", name));
  return set(*spec, args[++at], name);
}

Result<void> Flags::read_bundle(Args args, size_t& at) {
  std::string_view text = std::string_view(args[at]).substr(1);
  for (size_t i = 0; i < text.size(); ++i) {
    const FlagSpec* spec = find(text[i]);
    std::string_view rest = text.substr(i + 1);
    if (spec == nullptr) {
      return usage(str("unknown shorthand flag: '", text[i], "' in -", text.substr(i)));
    }
    std::string written = str("-", spec->letter, ", --", spec->name);
    if (rest.starts_with('=')) return set(*spec, std::string(rest.substr(1)), written);
    if (spec->kind == FlagKind::boolean) {
      HOP_CHECK(set(*spec, "true", written));
      continue;
    }
    if (spec->kind == FlagKind::optional_value && rest.empty()) {
      return set(*spec, std::string(spec->implied), written);
    }
    if (!rest.empty()) return set(*spec, std::string(rest), written);
    if (at + 1 == args.size()) {
      return usage(str("flag needs an argument: '", text[i], "' in -", text.substr(i)));
    }
    return set(*spec, args[++at], written);
  }
  return {};
}

Result<Flags> Flags::parse(std::vector<FlagSpec> specs, std::span<const std::string> args) {
  Flags flags;
  flags.specs_ = std::move(specs);
  for (size_t at = 0; at < args.size(); ++at) {
    const std::string& arg = args[at];
    if (arg == "--") {
      flags.has_dash_ = true;
      flags.after_dash_.assign(args.begin() + static_cast<long>(at) + 1, args.end());
      break;
    }
    if (arg.starts_with("--")) {
      HOP_CHECK(flags.read_long(args, at));
    } else if (arg.size() > 1 && arg[0] == '-') {
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

Result<int64_t> Flags::number(std::string_view name) const {
  std::string text = get(name);
  int64_t value = 0;
  const char* end = text.data() + text.size();
  auto [stopped, failed] = std::from_chars(text.data(), end, value);
  if (failed == std::errc() && stopped == end) return value;
  return usage(str("invalid argument \"", text, "\" for \"--", name,
                   "\" flag: strconv.ParseInt: parsing \"", text, "\": invalid syntax"));
}

std::string flags_help(std::span<const FlagSpec> specs) {
  std::string out;
  for (const FlagSpec& spec : specs) {
    std::string fallback(spec.fallback);
    if (spec.kind == FlagKind::boolean && fallback.empty()) fallback = "false";
    if (spec.kind != FlagKind::boolean && fallback.find_first_not_of("0123456789-") != 0) {
      if (fallback.empty() || std::isdigit(static_cast<unsigned char>(fallback[0])) == 0) {
        fallback = "'" + fallback + "'";
      }
    }
    out += spec.letter == 0 ? "      " : str("  -", spec.letter, ", ");
    out += str("--", spec.name, "=", fallback, ": ", spec.help, "\n");
  }
  return out;
}

}  // namespace hoplab::cmd::kubectl
