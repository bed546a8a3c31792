#pragma once

#include <optional>
#include <string>
#include <vector>

#include "runtime/agent/pod_record.h"
#include "runtime/proc/image_catalog.h"

namespace hoplab::agent {

/// What there is to say about an image that cannot be had.
struct ImageProblem {
  struct Event {
    std::string type;
    std::string reason;
    std::string message;
    bool operator==(const Event&) const = default;
  };
  std::string waiting_reason;  ///< ErrImagePull, ImagePullBackOff, InvalidImageName, …
  std::string waiting_message;
  std::vector<Event> events;
};

/// Looks for the image of a container that is to start, in kubelet's rhythm and words: a failed
/// pull is tried again after 10 s, 20 s, … 5 minutes, and "backs off" in between. Nullopt when the
/// image is there. Sets the container's retry_at.
std::optional<ImageProblem> look_for_image(const proc::ImageCatalog& images,
                                           const Json& container_spec, ContainerRecord& container,
                                           SteadyTime now);

}  // namespace hoplab::agent
