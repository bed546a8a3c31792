#pragma once

#include "runtime/base/json.h"
#include "store/source.h"

/// The scale subresource (autoscaling/v1 Scale) of Deployment and ReplicaSet, over any Source.
namespace hoplab {

/// The Scale that stands for a stored object.
Json scale_of(const Json& object);
Result<Json> get_scale(Source& source, const api::Kind& kind, const std::string& namespace_name,
                       const std::string& name);
/// Takes spec.replicas of the Scale; with a metadata.resourceVersion it is compare-and-set.
Result<Json> update_scale(Source& source, const api::Kind& kind, const std::string& namespace_name,
                          const std::string& name, const Json& scale,
                          const WriteOptions& options = {});
/// Merge patch (also what a strategic one means here) or JSON patch of the Scale.
Result<Json> patch_scale(Source& source, const api::Kind& kind, const std::string& namespace_name,
                         const std::string& name, PatchType type, const Json& patch,
                         const WriteOptions& options = {});

}  // namespace hoplab
