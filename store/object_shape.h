#pragma once

#include <string>

#include "runtime/base/json.h"
#include "runtime/base/result.h"
#include "store/api/kind.h"
#include "store/source.h"

/// What holds for every object, whatever its kind. Pure.
namespace hoplab {

/// The object is one of this kind, in this namespace: fills in apiVersion, kind, metadata and
/// namespace where they are missing; `bad_request` where they say something else.
Result<void> check_shape(const api::Kind& kind, const std::string& namespace_name, Json& object);
/// check_shape(), and the name is the one of the URL.
Result<void> check_name(const api::Kind& kind, const std::string& namespace_name,
                        const std::string& name, Json& object);

/// Removes what a client may not choose for a new object: status and the server's own metadata.
void remove_client_state(const api::Kind& kind, Json& object);
/// An update cannot change the server's own metadata.
void keep_system_metadata(const Json& current, Json& wanted);

/// Without Strict, removes the fields that the kind does not have and tells who listens.
void drop_unknown(const api::Kind& kind, Json& object, const WriteOptions& options);

}  // namespace hoplab
