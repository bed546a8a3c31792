#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/result.h"

namespace hoplab::cmd {

/// The flags of one subcommand. Hides Boost.Program_options, which costs seconds per including
/// file. Declare, then parse; `--help` is always there.
///   Options options("up", "[-f FILE]", "Starts a cluster.");
///   options.value("file", 'f', "FILE", "cluster file").flag("dry-run", 'n', "print only");
///   options.example("hoplab up -f cluster.yaml", "a cluster of your own");
///   if (auto exit = options.parse(invocation.args)) return *exit;
class Options {
 public:
  Options(std::string_view verb, std::string_view usage, std::string_view about);
  Options(Options&&) noexcept;
  Options& operator=(Options&&) noexcept;
  ~Options();

  Options& flag(const std::string& name, char short_name, const std::string& help);
  /// A flag with a value; may be given several times (see `values`).
  Options& value(const std::string& name, char short_name, const std::string& placeholder,
                 const std::string& help, const std::string& fallback = "");
  /// Allows between `least` and `most` plain arguments.
  Options& positionals(const std::string& placeholder, size_t least, size_t most);
  Options& example(const std::string& command, const std::string& what);
  /// Everything after the first plain argument (or after `--`) is left alone, as for `shell`.
  Options& stop_at_first_positional();

  /// Returns an exit code when the command is over: 0 after --help (printed), 2 after a usage
  /// error (printed to stderr with a pointer to --help).
  [[nodiscard]] std::optional<int> parse(const std::vector<std::string>& args);

  [[nodiscard]] bool has(const std::string& name) const;
  /// The last value given, or the fallback.
  [[nodiscard]] std::string get(const std::string& name) const;
  [[nodiscard]] std::vector<std::string> all(const std::string& name) const;
  [[nodiscard]] const std::vector<std::string>& rest() const;

  [[nodiscard]] std::string help() const;
  /// Prints "hoplab VERB: message" and the pointer to --help; returns exit_usage.
  int usage_error(std::string_view message) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Prints "hoplab: <message>" to stderr and returns exit_failure.
int fail(const Error& error);

}  // namespace hoplab::cmd
