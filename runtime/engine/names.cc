#include "runtime/engine/names.h"

#include <algorithm>
#include <array>

#include "runtime/base/bytes.h"
#include "runtime/base/text.h"

namespace hoplab::engine {

namespace {

constexpr std::array moods{
    "agile",  "brave",   "bright", "busy",  "calm",   "clever", "cosy",  "daring", "eager",
    "fair",   "fond",    "frank",  "glad",  "gentle", "happy",  "hardy", "honest", "jolly",
    "keen",   "kind",    "lively", "loyal", "lucid",  "merry",  "mild",  "modest", "neat",
    "nimble", "patient", "plucky", "proud", "quick",  "quiet",  "ready", "sharp",  "smart",
    "steady", "sunny",   "tidy",   "vivid", "warm",   "wise",   "witty", "zesty"};
/// People who made networks what they are.
constexpr std::array people{
    "baran",     "bartik",      "bellovin",  "bosack",  "braden",    "cerf",     "clark",
    "cheriton",  "crocker",     "dalal",     "davies",  "deering",   "eddy",     "feinler",
    "floyd",     "hamilton",    "heart",     "hopper",  "huitema",   "jacobson", "kahn",
    "karels",    "kleinrock",   "lamarr",    "lerner",  "liskov",    "lovelace", "metcalfe",
    "mills",     "mockapetris", "moy",       "nagle",   "partridge", "perlman",  "postel",
    "pouzin",    "rekhter",     "roberts",   "shannon", "stevens",   "stoneman", "taylor",
    "tomlinson", "turing",      "zimmermann"};

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

}  // namespace

std::string random_id() {
  for (;;) {
    std::string id = hex_text(random_value<std::array<std::byte, 32>>());
    // The first twelve digits become a hostname, which must not look like a number.
    bool letter = std::any_of(id.begin(), id.begin() + 12, [](char c) { return c >= 'a'; });
    if (letter) return id;
  }
}

std::string short_id(std::string_view id) {
  return std::string(id.substr(0, 12));
}

std::string random_name(const std::function<bool(const std::string&)>& taken) {
  for (unsigned attempt = 0;; ++attempt) {
    const auto number = random_value<uint32_t>();
    std::string name =
        str(moods[number % moods.size()], "_", people[number / moods.size() % people.size()]);
    if (attempt > 5) name += std::to_string(number % 10);
    if (attempt > 50) name += std::to_string(number);
    if (!taken(name)) return name;
  }
}

Result<void> check_name(std::string_view what, std::string_view name) {
  bool good = !name.empty() && is_alphanumeric(name[0]);
  for (char c : name) good = good && (is_alphanumeric(c) || c == '_' || c == '.' || c == '-');
  if (good) return {};
  return Error(ErrorCode::invalid, str("Invalid ", what, " name (", name,
                                       "), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed"));
}

}  // namespace hoplab::engine
