#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/clock.h"
#include "runtime/base/result.h"

/// Flags as kubectl reads them (spf13/pflag): anywhere between the arguments, `-n kube-system`,
/// `-nkube-system`, `-it` as a bundle, `--all=false`, `--dry-run` with or without a value.
/// Boost.Program_options knows neither optional values nor kubectl's messages.
namespace hoplab::cmd::kubectl {

enum class FlagKind {
  boolean,         ///< `--all`, `--all=false`
  value,           ///< `--context lab`, `--context=lab`
  number,          ///< A value that is a whole number.
  duration,        ///< A value like 30s or 1h30m.
  optional_value,  ///< `--dry-run` means `implied`; a value needs "=".
};

struct FlagSpec {
  std::string_view name;
  char letter = 0;
  FlagKind kind = FlagKind::boolean;
  std::string_view fallback;
  std::string_view help;  ///< Without one the flag is accepted, but not shown.
  std::string_view implied = {};
};

/// What one command line gave. Values have the form that their kind asks for.
class Flags {
 public:
  /// Fails with `unsupported` and pflag's words: "unknown flag: --foo". `flags_first`: everything
  /// from the first plain argument on is one (`docker run IMAGE ls -l`).
  static Result<Flags> parse(std::vector<FlagSpec> specs, std::span<const std::string> args,
                             bool flags_first = false);

  [[nodiscard]] bool given(std::string_view name) const;
  [[nodiscard]] bool on(std::string_view name) const;
  /// The last value given, or the fallback.
  [[nodiscard]] std::string get(std::string_view name) const;
  [[nodiscard]] std::vector<std::string> all(std::string_view name) const;
  /// All values of a flag that may be repeated or have commas: `-L a,b -L c`.
  [[nodiscard]] std::vector<std::string> list(std::string_view name) const;
  /// Of a number flag.
  [[nodiscard]] int64_t number(std::string_view name) const;
  /// Of a duration flag.
  [[nodiscard]] Millis duration(std::string_view name) const;

  /// The plain arguments before `--`.
  [[nodiscard]] const std::vector<std::string>& args() const { return args_; }
  /// Everything after `--`.
  [[nodiscard]] const std::vector<std::string>& after_dash() const { return after_dash_; }
  [[nodiscard]] bool has_dash() const { return has_dash_; }

 private:
  using Args = std::span<const std::string>;
  [[nodiscard]] const FlagSpec* find(std::string_view name) const;
  [[nodiscard]] const FlagSpec* find(char letter) const;
  Result<void> set(const FlagSpec& spec, std::string value);
  Result<void> read_long(Args args, size_t& at);
  Result<void> read_bundle(Args args, size_t& at);

  std::vector<FlagSpec> specs_;
  std::map<std::string, std::vector<std::string>, std::less<>> values_;
  std::vector<std::string> args_;
  std::vector<std::string> after_dash_;
  bool has_dash_ = false;
};

/// "30s", "1m30s", "500ms", "0": Go's durations.
std::optional<Millis> parse_duration(std::string_view text);

/// The "Options:" part of a verb's help.
std::string flags_help(std::span<const FlagSpec> specs);

}  // namespace hoplab::cmd::kubectl
