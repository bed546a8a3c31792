#pragma once

#include <string>
#include <string_view>

namespace hoplab {

/// uname(2)'s word for a processor as Go (and so Kubernetes, and images) writes it: "x86_64" is
/// amd64, "aarch64" arm64, "armv7l" arm. A word that Go does not know stays as it is. Pure.
std::string go_architecture(std::string_view machine);

/// This machine's architecture in Go's words: "amd64", "arm64".
std::string machine_architecture();

}  // namespace hoplab
