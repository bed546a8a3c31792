#pragma once

#include <string>

#include "runtime/image/unpack.h"

namespace hoplab::image {

/// Where the caller's images are kept when nothing else is said: HOPLAB_IMAGES, else
/// /var/cache/hoplab/images for root, else $XDG_DATA_HOME or ~/.local/share with /hoplab/images.
/// Always an absolute path: who asks may run elsewhere. They outlive clusters: people load them on
/// purpose, and `hoplab docker rmi` removes them.
std::string default_store_folder();

/// The form of whiteouts that this process's overlay mounts understand: root outside a user
/// namespace has trusted.*, everybody else user.*.
Whiteouts own_whiteouts();

}  // namespace hoplab::image
