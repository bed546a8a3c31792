#pragma once

#include <functional>
#include <string>

#include "cmd/kubectl.h"

namespace hoplab::cmd::kubectl {

/// Follows one object by list and watch until a condition holds. Used by delete, wait and rollout.
class ObjectWait {
 public:
  ObjectWait(Session& session, const api::Kind* kind, std::string namespace_name, std::string name)
      : session_(session),
        kind_(kind),
        namespace_name_(std::move(namespace_name)),
        name_(std::move(name)) {}

  /// `done` sees each state of the object (null = it does not exist). A watch that breaks or is too
  /// old starts again with a list. Fails with `timed_out`: "timed out waiting for the condition on
  /// pods/x".
  Result<void> until(const std::function<Result<bool>(const Json* object)>& done, Millis timeout);

 private:
  Result<bool> follow(const std::function<Result<bool>(const Json* object)>& done, SteadyTime end);

  Session& session_;
  const api::Kind* kind_;
  std::string namespace_name_;
  std::string name_;
};

/// Whether a wait ended because its time was up.
bool is_timeout(const Error& error);

}  // namespace hoplab::cmd::kubectl
