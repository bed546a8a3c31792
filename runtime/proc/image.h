#pragma once

#include <csignal>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/proc/container_types.h"

namespace hoplab::proc {

/// A file that an image brings along, mode 0644.
struct ImageFile {
  std::string path;
  std::string text;
};

/// An image's configuration. A built-in image has no layers: it is the machine's own tools in a
/// private root (rootfs.h), plus links to programs inside the hoplab executable. A loaded image has
/// nothing but its layers.
struct Image {
  std::string name;         ///< "traefik/whoami"
  std::string description;  ///< One line for listings.
  std::vector<std::string> entrypoint;
  std::vector<std::string> cmd;
  std::vector<EnvVar> env;
  std::string working_dir = "/";
  Labels labels;
  int stop_signal = SIGTERM;
  bool role = false;  ///< A part of the cluster itself: nothing loaded takes its place.
  /// Paths in the container that lead to the hoplab executable, which looks at its own name.
  std::vector<std::string> programs;
  std::vector<ImageFile> files;
  std::string id;  ///< Of a loaded image: "sha256:…", by which resolve() finds it again.
  /// Of a loaded image: who runs ("", "101", "nginx", "101:101"), and the directories of its
  /// layers, the base first.
  std::string user;
  std::vector<std::string> layers;
  /// Of a loaded image: for image::hold_image(), by whoever runs a container from it.
  std::string hold_file;
};

/// Where the private root of every container has the hoplab executable.
inline constexpr const char* executable_in_container = "/usr/local/bin/hoplab";

/// All built-in images.
const std::vector<Image>& builtin_images();

/// Finds a built-in image by a reference as pods write it: registry, "library/", tag and digest are
/// ignored ("docker.io/library/nginx:1.21" is nginx). `invalid` when it is no image reference
/// (Kubernetes: InvalidImageName), `not_found` with the list of what exists (ErrImagePull).
Result<Image> resolve_image(std::string_view reference);

/// What runs: `command`/`args` of the pod over the image's, as Kubernetes defines it. Empty when
/// neither names a program.
std::vector<std::string> command_line(const Image& image, const std::vector<std::string>& command,
                                      const std::vector<std::string>& args);

}  // namespace hoplab::proc
