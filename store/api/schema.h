#pragma once

#include <string>
#include <vector>

#include "runtime/base/json.h"
#include "store/api/kind.h"

namespace hoplab::api {

/// Fills in what Kubernetes' API server fills in (protocol TCP, restartPolicy Always, strategy, …).
/// Leaves wrong types alone: validation names them.
void apply_defaults(const Kind& kind, Json& object);

/// Removes what clients send but the server must not keep: nulls, empty label and annotation maps,
/// "creationTimestamp": null. Status is the registry's matter.
void prune_noise(Json& object);

struct ValidateOptions {
  bool unknown_fields_are_errors = false;
};

/// Every mistake with its field path ("spec.ports[0].nodePort"), in document order; empty = valid.
/// `old_object` is null on create; on update it is the stored object (immutable fields).
std::vector<ErrorCause> validate(const Kind& kind, const Json& object, const Json* old_object,
                                 const ValidateOptions& options = {});

/// Removes fields the kind's schema does not know, as a real API server does without Strict.
void drop_unknown_fields(const Kind& kind, Json& object);

/// The `invalid` Error a real API server would send for these causes:
/// `Service "web" is invalid: spec.ports[0].port: Invalid value: 0: must be between 1 and 65535`.
Error invalid_object(const Kind& kind, const std::string& name, std::vector<ErrorCause> causes);

}  // namespace hoplab::api
