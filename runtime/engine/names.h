#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <type_traits>

#include "runtime/base/result.h"

namespace hoplab::engine {

/// 64 random hexadecimal digits: the id of a container or network.
std::string random_id();

/// The first 12 digits, as docker prints them.
std::string short_id(std::string_view id);

/// "brave_lamarr": a name that `taken` does not know.
std::string random_name(const std::function<bool(const std::string&)>& taken);

/// docker's rule, but one letter is enough: [a-zA-Z0-9][a-zA-Z0-9_.-]*
Result<void> check_name(std::string_view what, std::string_view name);

/// What a name means among things that have a name and an id: the one of that id or name, else the
/// only one whose id starts so.
template <typename Thing>
struct Match {
  Thing* found = nullptr;
  bool ambiguous = false;
};
/// `name_of` and `id_of` give what can be compared with a std::string_view.
template <typename Things, typename NameOf, typename IdOf>
auto find_by_name(Things& things, std::string_view wanted, NameOf name_of, IdOf id_of) {
  Match<std::remove_reference_t<decltype(*things.begin())>> match;
  for (auto& each : things) {
    if (id_of(each) == wanted || name_of(each) == wanted) return decltype(match){&each, false};
  }
  for (auto& each : things) {
    if (wanted.empty() || !std::string_view(id_of(each)).starts_with(wanted)) continue;
    match.ambiguous = match.found != nullptr;
    match.found = &each;
    if (match.ambiguous) break;
  }
  return match;
}

}  // namespace hoplab::engine
