#pragma once

#include <chrono>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/json.h"

/// Checks of lessons as values: what a step wants the kernel to look like. Passive data; the table
/// of kinds is the one place that says which fields a kind has (loader, schema and documentation
/// come from it).
namespace hoplab::labs {

enum class CheckKind {
  netns,
  link,
  address,
  route,
  neighbor,
  rule,
  policy,
  sysctl,
  process,
  hostname,
  conntrack,
  ping,
  http,
  dns,
  object
};

enum class FieldType { text, boolean, number, ipv4, prefix, destination, texts };

struct FieldSpec {
  std::string_view name;
  FieldType type = FieldType::text;
  bool required = false;
  std::string_view about;
  std::span<const std::string_view> allowed = {};  ///< Of text and texts; empty: anything.
};

struct KindSpec {
  CheckKind kind;
  std::string_view name;
  std::string_view about;
  std::span<const FieldSpec> fields;
  bool has_place = true;  ///< Takes `netns` and `of`.
  bool can_be_absent = true;
  bool probe = false;  ///< Sends packets; the others only read.
};

std::span<const KindSpec> check_kinds();
const KindSpec* find_kind(std::string_view name);
const KindSpec& spec_of(CheckKind kind);
/// Fields of every kind: netns, of, absent, until, within.
std::span<const FieldSpec> common_fields();

struct Check {
  CheckKind kind = CheckKind::netns;
  std::string netns;    ///< A named namespace; empty with `of` empty: the host itself.
  std::string of;       ///< The command line of a process whose namespaces are meant.
  bool absent = false;  ///< The thing must not be there.
  std::string until;    ///< The step that undoes it; empty: it holds to the lesson's end.
  std::chrono::milliseconds within{1000};  ///< How long `check` waits for it.
  Json want;                               ///< The kind's fields, validated by the loader.

  [[nodiscard]] std::string text(std::string_view field) const { return string_or(want, field); }
  bool operator==(const Check&) const = default;
};

}  // namespace hoplab::labs
