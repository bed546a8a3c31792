#pragma once

#include <string>

#include "cmd/kubectl.h"

namespace hoplab::cmd::kubectl {

/// An object that is on its way out.
struct Doomed {
  const api::Kind* kind = nullptr;
  std::string namespace_name;
  std::string name;
  std::string uid;  ///< Another object of that name counts as gone.
};

/// Without --timeout kubectl waits a week.
inline constexpr Millis longest_wait{std::chrono::hours(24 * 7)};

/// Watches the object until it is gone; "timed out waiting for the condition on pods/x".
Result<void> wait_until_gone(Session& session, const Doomed& doomed, Millis timeout);
/// `pod "x"`, `deployment.apps "x"`
std::string delete_message(const api::Kind& kind, const std::string& name);

}  // namespace hoplab::cmd::kubectl
