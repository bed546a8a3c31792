#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/fd.h"
#include "runtime/base/result.h"
#include "runtime/image/digest.h"

namespace hoplab::image {

/// A blob of an image that is being loaded: where it is and what its bytes must hash to.
struct SourceBlob {
  std::string path;              ///< Below the source's directory.
  std::optional<Digest> digest;  ///< Docker's archives name none.
  std::string media_type;        ///< Of a layer of an OCI layout; else empty.
};

struct SourceImage {
  std::vector<std::string> names;  ///< As written there, not checked; may be empty.
  SourceBlob config;
  std::vector<SourceBlob> layers;  ///< The base first.
};

/// What an unpacked archive or a folder holds: an OCI image layout (oci-layout, index.json, blobs/)
/// or docker's archive format (manifest.json). Of an image for several platforms, Linux on
/// `architecture` is taken. Nothing outside `directory` is read; the blobs are not read yet.
/// `bad_request` when it is neither or is damaged; `not_found` when no platform fits.
Result<std::vector<SourceImage>> read_source(const Fd& directory, std::string_view architecture);

}  // namespace hoplab::image
