#pragma once

#include <string>
#include <string_view>

#include "runtime/base/result.h"

namespace hoplab::image {

/// How people name an image: [REGISTRY/]REPOSITORY[:TAG][@DIGEST] (distribution's reference
/// grammar; docker's defaults).
struct Reference {
  std::string registry = "docker.io";
  std::string repository;  ///< "library/nginx", "calico/node"
  std::string tag;         ///< "latest" unless a tag or digest is given.
  std::string digest;      ///< "sha256:…" or empty.

  /// `invalid` with what is wrong, in docker's words ("invalid reference format").
  static Result<Reference> parse(std::string_view text);
  /// As docker prints it: without docker.io/ and library/.
  [[nodiscard]] std::string familiar_name() const;
  /// familiar_name() and the tag: "nginx:latest".
  [[nodiscard]] std::string familiar() const;
  /// "docker.io/library/nginx:latest"
  [[nodiscard]] std::string full() const;
  bool operator==(const Reference&) const = default;
};

}  // namespace hoplab::image
