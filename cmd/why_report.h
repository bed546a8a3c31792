#pragma once

#include <string>
#include <utility>
#include <vector>

#include "runtime/base/json.h"

/// What `hoplab why` prints. Values; pure.
namespace hoplab::cmd {

/// Whether a kernel holds what an operation makes.
struct Presence {
  bool present = false;
  std::string note;  ///< What is there instead, or where it is missing; may be empty.
  bool operator==(const Presence&) const = default;
};

/// One operation or rule: the command that would make it, why, and whether it is there.
struct WhyItem {
  std::string command;
  std::string reason;
  Presence presence;
};

/// The items of one place.
struct WhySection {
  std::string title;
  std::vector<std::string> hosts;  ///< Where the commands are typed; empty = the outside view.
  std::vector<WhyItem> items;
};

struct WhyReport {
  std::string kind;
  std::string name;                                        ///< "default/web"
  std::vector<std::pair<std::string, std::string>> facts;  ///< Label and value.
  std::vector<WhySection> sections;

  [[nodiscard]] size_t missing() const;
};

/// For people; `colour` marks what is missing.
std::string render_why(const WhyReport& report, bool colour);
Json to_json(const WhyReport& report);

}  // namespace hoplab::cmd
