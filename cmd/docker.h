#pragma once

#include <iosfwd>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cmd/command.h"
#include "cmd/kubectl_flags.h"
#include "runtime/base/result.h"
#include "runtime/image/store.h"

/// `hoplab docker`: docker's verbs, flags, output and exit codes (those of docker 20.10) over
/// hoplab's own parts. Each verb is one file that defines one or more `Verb`s.
namespace hoplab::cmd::docker {

using kubectl::FlagKind;
using kubectl::Flags;
using kubectl::FlagSpec;

/// What docker's own client ends with when the command line is wrong.
inline constexpr int exit_docker_usage = 125;

struct Session {
  const Invocation* invocation = nullptr;
  std::string_view verb;
  Flags flags;
};

struct Verb {
  std::string_view name;      ///< One word, or two: "image ls".
  std::string_view usage;     ///< "images [OPTIONS] [REPOSITORY[:TAG]]"
  std::string_view about;     ///< For the list of verbs and the verb's help.
  std::string_view examples;  ///< Lines with two spaces in front.
  std::span<const FlagSpec> flags;
  size_t least = 0;  ///< Arguments.
  size_t most = 0;
  /// The exit code. Errors are printed by the caller, in docker's words.
  Result<int> (*run)(Session& session);
  std::span<const std::string_view> aliases = {};
  /// What follows the first argument is a command's, flags or not.
  bool flags_first = false;
  /// Acts on a host's containers: elsewhere it goes to the host of the cluster that is meant.
  bool on_host = false;
};

/// "Error response from daemon: <message>"; returns exit code 1. For verbs that go on.
int print_error(const Error& error);

/// "note: …" on standard error, a line each.
void print_notes(const std::vector<std::string>& notes);

/// Warns and asks on the terminal; true for "y".
bool confirmed(std::string_view what_happens);

/// The images of this user (on a host of a lab: of the user whose lab it is). Made when missing.
Result<image::ImageStore> open_images();

}  // namespace hoplab::cmd::docker
