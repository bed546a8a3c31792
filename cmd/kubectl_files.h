#pragma once

#include <string>
#include <vector>

#include "cmd/kubectl_resources.h"

namespace hoplab::cmd::kubectl {

/// One object of -f, with its kind and place.
struct FileObject {
  const api::Kind* kind = nullptr;
  Json object;
  std::string name;
  std::string namespace_name;  ///< Where it goes; "" for kinds without one.
  std::string file;            ///< "STDIN" for -.
};

/// Reads -f (files, directories with .yaml, .yml and .json, - for standard input), checks kinds,
/// names and namespaces (those of -n must agree) and fills the namespace in. Documents that are
/// wrong are reported in `errors`, the others come back: apply does what it can.
struct FileObjects {
  std::vector<FileObject> objects;
  std::vector<Error> errors;
};
Result<FileObjects> read_files(Session& session);
/// Only what the files name.
Result<std::vector<Target>> targets_of_files(Session& session);

}  // namespace hoplab::cmd::kubectl
