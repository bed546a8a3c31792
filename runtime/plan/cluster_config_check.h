#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/error.h"
#include "runtime/plan/cluster_config.h"

namespace hoplab::plan {

/// The mistakes of one file, gathered so that all can be told at once.
class FieldErrors {
 public:
  /// `reason` is Kubernetes' word: "Invalid value", "Required value", "Duplicate value", …
  void add(std::string field, std::string reason, std::string message) {
    causes_.push_back({std::move(field), std::move(reason), std::move(message)});
  }
  [[nodiscard]] bool empty() const { return causes_.empty(); }
  /// "FILE: FIELD: REASON: message", one line for each.
  [[nodiscard]] Error to_error(std::string_view file) const;

 private:
  std::vector<ErrorCause> causes_;
};

/// What has to hold between the fields of a config whose fields are each well-formed: networks
/// that do not overlap, addresses inside their segment, unique names, reachable gateways.
void check_cluster_config(const ClusterConfig& config, FieldErrors& errors);

/// Whether `name` is a DNS label (RFC 1123) of at most `most` bytes.
bool is_dns_label(std::string_view name, size_t most);
/// Whether the kernel takes `name` for a network interface.
bool is_link_name(std::string_view name);

}  // namespace hoplab::plan
