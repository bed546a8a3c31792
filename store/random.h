#pragma once

#include <string>

namespace hoplab {

/// A random (version 4) UUID, as in metadata.uid.
std::string random_uid();
/// Letters and digits of Kubernetes' generated names: no vowels, so no words ("x7kq2").
std::string random_suffix(size_t length = 5);
/// What the server makes of generateName: cut so that the suffix fits into 63 bytes.
std::string generated_name(const std::string& base);

}  // namespace hoplab
