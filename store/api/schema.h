#pragma once

#include <string>
#include <vector>

#include "runtime/base/json.h"
#include "store/api/kind.h"

/// The life of an object on its way in: prune_noise, drop_unknown_fields (or Strict),
/// apply_defaults, validate. Pure; any thread.
namespace hoplab::api {

/// Fills in what Kubernetes' API server fills in (protocol TCP, restartPolicy Always, strategy, …),
/// turns Secret.stringData into data, and writes quantities in their canonical form. Leaves wrong
/// types alone: validation names them.
void apply_defaults(const Kind& kind, Json& object);

/// Removes what clients send but the server must not keep: nulls, empty label and annotation maps,
/// "creationTimestamp": null. Status is the registry's matter.
void prune_noise(Json& object);

/// Reasons of causes that mean "cannot be read at all" rather than "not allowed".
inline constexpr std::string_view wrong_type_reason = "FieldValueTypeInvalid";
inline constexpr std::string_view unknown_field_reason = "FieldUnknown";

struct ValidateOptions {
  bool unknown_fields_are_errors = false;
};

/// Every mistake with its field path ("spec.ports[0].nodePort"), in the schema's order; empty =
/// valid. Wrong types come alone: nothing further is checked then.
/// `old_object` is null on create; on update it is the stored object (immutable fields).
std::vector<ErrorCause> validate(const Kind& kind, const Json& object, const Json* old_object,
                                 const ValidateOptions& options = {});

/// Only what decoding would refuse: wrong types and, when `strict`, unknown fields. For objects
/// that are not validated whole, such as patches' results on /status or /scale ("Scale").
std::vector<ErrorCause> check_types(std::string_view type_name, const Json& object, bool strict);

/// Removes fields the kind's schema does not know, as a real API server does without Strict. The
/// paths of what was removed: "spec.containers[0].imagePullPolcy".
std::vector<std::string> drop_unknown_fields(const Kind& kind, Json& object);
/// `unknown field "spec.foo"`, as Strict refuses and Warn warns.
std::string unknown_field_text(const std::string& path);

/// The `invalid` Error a real API server would send for these causes:
/// `Service "web" is invalid: spec.ports[0].port: Invalid value: 0: must be between 1 and 65535,
/// inclusive`. Wrong types and unknown fields make a `bad_request` instead: `Deployment in version
/// "v1" cannot be handled as a Deployment: strict decoding error: unknown field "spec.foo"`.
Error invalid_object(const Kind& kind, const std::string& name, std::vector<ErrorCause> causes);

}  // namespace hoplab::api
