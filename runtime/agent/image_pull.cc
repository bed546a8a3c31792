#include "runtime/agent/image_pull.h"

#include "runtime/agent/pod_sync.h"
#include "runtime/base/text.h"

namespace hoplab::agent {

namespace {

/// kubelet looks at a pod again soon after it has reported a failed pull.
constexpr Millis next_look{2'000};
constexpr Millis retry{10'000};

std::string quoted(const std::string& image) {
  return "\"" + image + "\"";
}

ImageProblem backing_off(const std::string& image) {
  std::string message = "Back-off pulling image " + quoted(image);
  return {"ImagePullBackOff",
          message,
          {{"Normal", "BackOff", message}, {"Warning", "Failed", "Error: ImagePullBackOff"}}};
}

ImageProblem invalid_name(const std::string& image, const Error& error) {
  std::string message = "Failed to apply default image tag " + quoted(image) +
                        ": couldn't parse image reference " + quoted(image) + ": " +
                        error.message();
  return {
      "InvalidImageName",
      message,
      {{"Warning", "InspectFailed", message}, {"Warning", "Failed", "Error: InvalidImageName"}}};
}

/// It is there, and cannot be used.
ImageProblem cannot_inspect(const std::string& image, const Error& error) {
  std::string message = "Failed to inspect image " + quoted(image) + ": " + error.message();
  return {
      "ImageInspectError",
      message,
      {{"Warning", "InspectFailed", message}, {"Warning", "Failed", "Error: ImageInspectError"}}};
}

ImageProblem never_pulled(const std::string& image) {
  std::string message =
      "Container image " + quoted(image) + " is not present with pull policy of Never";
  return {"ErrImageNeverPull",
          message,
          {{"Warning", "ErrImageNeverPull", message},
           {"Warning", "Failed", "Error: ErrImageNeverPull"}}};
}

ImageProblem failed_pull(const std::string& image, const Error& error) {
  std::string why = "rpc error: code = NotFound desc = " + error.message();
  return {"ErrImagePull",
          why,
          {{"Normal", "Pulling", "Pulling image " + quoted(image)},
           {"Warning", "Failed", "Failed to pull image " + quoted(image) + ": " + why},
           {"Warning", "Failed", "Error: ErrImagePull"}}};
}

}  // namespace

std::optional<ImageProblem> look_for_image(const proc::ImageCatalog& images,
                                           const Json& container_spec, ContainerRecord& container,
                                           SteadyTime now) {
  std::string image = string_or(container_spec, "image");
  auto known = images.resolve(image);
  if (known) {
    container.pull_back_off = Millis(0);
    return std::nullopt;
  }
  container.retry_at = now + retry;
  if (known.error().code() == ErrorCode::invalid) return invalid_name(image, known.error());
  if (known.error().code() != ErrorCode::not_found) return cannot_inspect(image, known.error());
  if (string_or(container_spec, "imagePullPolicy") == "Never") return never_pulled(image);
  if (now < container.pull_at) {
    container.retry_at = container.pull_at;
    return backing_off(image);
  }
  container.pull_back_off = next_back_off(container.pull_back_off, Millis(0));
  container.pull_at = now + container.pull_back_off;
  container.retry_at = now + next_look;
  return failed_pull(image, known.error());
}

}  // namespace hoplab::agent
