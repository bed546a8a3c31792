#pragma once

#include <string>
#include <string_view>

namespace hoplab::reconcile {

/// "namespace/name" taken apart; a key without slash is the name of a cluster-scoped object.
struct ObjectKey {
  std::string namespace_name;
  std::string name;
  static ObjectKey parse(std::string_view key) {
    const size_t slash = key.find('/');
    if (slash == std::string_view::npos) return {.namespace_name = {}, .name = std::string(key)};
    return {.namespace_name = std::string(key.substr(0, slash)),
            .name = std::string(key.substr(slash + 1))};
  }
};

}  // namespace hoplab::reconcile
