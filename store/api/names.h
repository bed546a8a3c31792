#pragma once

#include <string>
#include <string_view>
#include <vector>

/// Checks of names and other short texts, with the messages of Kubernetes'
/// apimachinery/pkg/util/validation. Each returns every mistake; empty = valid. Pure.
namespace hoplab::api {

using Problems = std::vector<std::string>;

/// Names of namespaces, containers and volumes: "my-name", at most 63 bytes.
Problems dns1123_label_problems(std::string_view value);
/// Names of most objects: "example.com", at most 253 bytes.
Problems dns1123_subdomain_problems(std::string_view value);
/// Names of services: like a label, but starting with a letter.
Problems dns1035_label_problems(std::string_view value);
/// Label and annotation keys: "name" or "example.com/name".
Problems qualified_name_problems(std::string_view value);
Problems label_value_problems(std::string_view value);
Problems env_name_problems(std::string_view value);
/// Keys of ConfigMap and Secret data.
Problems config_key_problems(std::string_view value);
/// Names of container ports, at most 15 bytes with a letter.
Problems port_name_problems(std::string_view value);
Problems port_number_problems(int64_t port);
/// IPv4 dotted quad or IPv6 text.
Problems ip_problems(std::string_view value);
/// Absolute HTTP path and the like are free text; a path inside a volume must not climb out.
bool has_parent_step(std::string_view path);
bool is_ipv6(std::string_view value);

}  // namespace hoplab::api
