#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "runtime/base/text.h"
#include "runtime/image/manifest.h"

/// The files of an OCI image layout (image-spec, image-layout.md). Private to runtime/image.
namespace hoplab::image {

inline constexpr const char* index_file = "index.json";
inline constexpr const char* layout_file = "oci-layout";
inline constexpr std::string_view layout_text = "{\"imageLayoutVersion\":\"1.0.0\"}";
inline constexpr const char* blob_folder = "blobs/sha256";
/// Of a store: the form of its layers' whiteouts ("trusted" or "user").
inline constexpr const char* whiteouts_file = "whiteouts";

/// Of indexes, manifests and configs: larger ones are no honest images.
inline constexpr size_t document_limit = 8U << 20U;
/// Docker's own limit; more would not fit into the page of options that mount(2) takes.
inline constexpr size_t most_stacked_layers = 127;

inline std::string blob_path(const Digest& digest) {
  return str(blob_folder, "/", digest.hex());
}

/// The name that an index of ours gives its entry; empty when it has none.
inline std::string name_of(const Descriptor& entry) {
  auto found = entry.annotations.find(std::string(name_annotation));
  return found == entry.annotations.end() ? std::string() : found->second;
}

}  // namespace hoplab::image
