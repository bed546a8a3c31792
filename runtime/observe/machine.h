#pragma once

#include <string>
#include <vector>

#include "runtime/base/json.h"

namespace hoplab {

enum class FindingState { good, warning, failure };

/// One thing that hoplab needs or likes of a machine, as it was found.
struct Finding {
  std::string subject;  ///< "user namespaces"
  FindingState state = FindingState::good;
  std::string found;        ///< What was looked at and what was there.
  std::string consequence;  ///< What does not work because of it; empty when good.
  std::string repair;       ///< The one command that mends it; empty when there is none.
};

std::string_view to_string(FindingState state);
Json to_json(const Finding& finding);

/// Looks at limits, devices, tools and kernel features. Kernel features are tried for real, in
/// namespaces of a child process that is gone afterwards; nothing on the machine changes. Takes
/// some ten milliseconds. Run it before any thread is started: it forks.
std::vector<Finding> examine_machine();

// The parts, each on its own.
Finding examine_user_namespaces();
std::vector<Finding> examine_kernel_features();
std::vector<Finding> examine_limits();
std::vector<Finding> examine_devices_and_ids();
std::vector<Finding> examine_tools();
Finding examine_api_port();
Finding examine_cgroups();

}  // namespace hoplab
