#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "cmd/kubectl_resources.h"
#include "runtime/base/clock.h"
#include "runtime/base/text.h"

namespace hoplab::cmd::kubectl {

/// Collects the text of one `kubectl describe`: lines with tabs between their cells, indented by
/// levels of two blanks.
class DescribeText {
 public:
  template <typename... Parts>
  void line(int level, const Parts&... parts) {
    text_.append(static_cast<size_t>(level) * 2, ' ');
    text_ += str(parts...);
    text_ += '\n';
  }
  /// "Labels:  a=b" with one line for each pair.
  void map(std::string_view title, const Json& pairs);
  void add(const std::string& text) { text_ += text; }
  [[nodiscard]] std::string aligned() const;
  /// With the tabs still in it.
  [[nodiscard]] const std::string& raw() const { return text_; }

 private:
  std::string text_;
};

/// What the description of an object needs beside the object: related objects, read before.
struct DescribeInput {
  const api::Kind* kind = nullptr;
  Json object;
  std::vector<Json> events;
  std::vector<Json> pods;          ///< Of a node, or behind a workload's selector.
  std::vector<Json> replica_sets;  ///< Of a Deployment, by name.
  std::vector<Json> secrets;       ///< Of a ServiceAccount's namespace.
  Json endpoints;                  ///< Of a Service; null when there are none.
  Json lease;                      ///< Of a Node; null when there is none.
  bool show_events = true;
  WallTime now;
};

/// The whole text, as kubectl 1.22 prints it. Pure.
std::string describe_object(const DescribeInput& input);

// The parts, one for each kind.
void describe_pod(const DescribeInput& input, DescribeText& out);
void describe_node(const DescribeInput& input, DescribeText& out);
void describe_service(const DescribeInput& input, DescribeText& out);
void describe_endpoints(const DescribeInput& input, DescribeText& out);
void describe_endpoint_slice(const DescribeInput& input, DescribeText& out);
void describe_deployment(const DescribeInput& input, DescribeText& out);
void describe_replica_set(const DescribeInput& input, DescribeText& out);
void describe_daemon_set(const DescribeInput& input, DescribeText& out);
void describe_namespace(const DescribeInput& input, DescribeText& out);
void describe_config_map(const DescribeInput& input, DescribeText& out);
void describe_secret(const DescribeInput& input, DescribeText& out);
void describe_service_account(const DescribeInput& input, DescribeText& out);
/// Every other kind: its fields by name.
void describe_any(const DescribeInput& input, DescribeText& out);

// Shared pieces.
void describe_name(const DescribeInput& input, DescribeText& out);
void describe_labels(const DescribeInput& input, DescribeText& out);
void describe_events(const DescribeInput& input, DescribeText& out);
/// The pod template of a workload.
void describe_template(const Json& pod_template, DescribeText& out);
void describe_annotations(std::string_view title, const Json& annotations, DescribeText& out);
/// The list (`containers` or `initContainers`) of a pod or a template; `statuses` may be null.
/// `space` is what stands before the title in a template.
void describe_containers(std::string_view title, const Json& pod, const std::string& list,
                         const Json& statuses, std::string_view space, DescribeText& out);
void describe_volumes(const Json& volumes, std::string_view space, DescribeText& out);
/// "2 Running / 0 Waiting / 0 Succeeded / 0 Failed"
std::string pod_counts(const std::vector<Json>& pods);
/// "DaemonSet/kube-proxy" of the owner that controls the object, or "".
std::string controller_of(const Json& object);
/// RFC 1123 with zone, as describe prints times.
std::string long_time(const Json& time);

}  // namespace hoplab::cmd::kubectl
