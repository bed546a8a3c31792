#pragma once

#include <string>
#include <string_view>

#include "runtime/base/result.h"
#include "runtime/proc/image.h"

namespace hoplab::proc {

/// The images that a node can run: the user's loaded ones (runtime/image), and the built-in ones
/// under every name that nothing was loaded for; but what is a part of the cluster itself
/// (calico/node, kube-proxy, coredns) is always the built-in one. Looks at the folder each time, so
/// what is loaded while a cluster runs is there at once. Any thread.
class ImageCatalog {
 public:
  /// `folder`: of the user's ImageStore; it need not exist. Empty = built-in images only.
  explicit ImageCatalog(std::string folder) : folder_(std::move(folder)) {}

  /// As resolve_image(); `internal` when the loaded image of that name is damaged. A loaded image
  /// is found by its exact name and tag, or its id.
  [[nodiscard]] Result<Image> resolve(std::string_view reference) const;

 private:
  std::string folder_;
};

}  // namespace hoplab::proc
