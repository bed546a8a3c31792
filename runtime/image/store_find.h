#pragma once

#include <string_view>
#include <vector>

#include "runtime/image/store.h"

/// What people may call an image. Private to store*.cc; pure.
namespace hoplab::image {

/// Whether the text, with or without "sha256:", may be the start of an id.
bool is_id_start(std::string_view text);

/// By name, else by the unique start of an id; damaged images, too. `not_found`, `conflict` for
/// several ids, `invalid` for what is neither. The pointer is into `images`.
Result<const StoredImage*> find_among(const std::vector<StoredImage>& images,
                                      std::string_view name_or_id);

/// Whether `image` has `name` as one of its names.
bool has_name(const StoredImage& image, const Reference& name);

/// Gives an image `names`, taking them from others. One that loses its last name stays, nameless,
/// as docker does: containers may run from it.
void give_names(std::vector<Descriptor>& index, const Descriptor& manifest,
                const std::vector<std::string>& names);

}  // namespace hoplab::image
