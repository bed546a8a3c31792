#pragma once

#include <string_view>

#include "runtime/base/result.h"
#include "runtime/image/manifest.h"

namespace hoplab::cmd::docker {

/// One instruction of a Dockerfile that changes an image's config (`import --change`): CMD,
/// ENTRYPOINT, ENV, EXPOSE, LABEL, STOPSIGNAL, USER, VOLUME, WORKDIR. `invalid` for what docker
/// refuses here, too. Pure.
Result<void> apply_change(image::ImageConfig& config, std::string_view instruction);

}  // namespace hoplab::cmd::docker
