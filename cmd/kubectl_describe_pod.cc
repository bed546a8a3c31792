#include "cmd/kubectl_describe.h"
#include "cmd/kubectl_output.h"
#include "store/api/table.h"

namespace hoplab::cmd::kubectl {

namespace {

const char* yes_no(bool value) {
  return value ? "true" : "false";
}

void describe_projected(const Json& sources, DescribeText& out) {
  out.line(2, "Type:\tProjected (a volume that contains injected data from multiple sources)");
  for (size_t i = 0; sources.is_array() && i < sources.size(); ++i) {
    const Json& source = sources[i];
    if (const Json& secret = member(source, "secret"); secret.is_object()) {
      out.line(2, "SecretName:\t", string_or(secret, "name"));
      out.line(2, "SecretOptionalName:\t", yes_no(bool_or(secret, "optional")));
    } else if (const Json& map = member(source, "configMap"); map.is_object()) {
      out.line(2, "ConfigMapName:\t", string_or(map, "name"));
      out.line(2, "ConfigMapOptional:\t",
               map.contains("optional") ? yes_no(bool_or(map, "optional")) : "<nil>");
    } else if (member(source, "downwardAPI").is_object()) {
      out.line(2, "DownwardAPI:\ttrue");
    } else if (const Json& token = member(source, "serviceAccountToken"); token.is_object()) {
      out.line(2, "TokenExpirationSeconds:\t", int_or(token, "expirationSeconds"));
    }
  }
}

void describe_volume(const Json& volume, DescribeText& out) {
  if (const Json& host = member(volume, "hostPath"); host.is_object()) {
    out.line(2, "Type:\tHostPath (bare host directory volume)");
    out.line(2, "Path:\t", string_or(host, "path"));
    out.line(2, "HostPathType:\t", string_or(host, "type"));
  } else if (const Json& empty = member(volume, "emptyDir"); empty.is_object()) {
    out.line(2, "Type:\tEmptyDir (a temporary directory that shares a pod's lifetime)");
    out.line(2, "Medium:\t", string_or(empty, "medium"));
    out.line(2, "SizeLimit:\t", string_or(empty, "sizeLimit", "<unset>"));
  } else if (const Json& secret = member(volume, "secret"); secret.is_object()) {
    out.line(2, "Type:\tSecret (a volume populated by a Secret)");
    out.line(2, "SecretName:\t", string_or(secret, "secretName"));
    out.line(2, "Optional:\t", yes_no(bool_or(secret, "optional")));
  } else if (const Json& map = member(volume, "configMap"); map.is_object()) {
    out.line(2, "Type:\tConfigMap (a volume populated by a ConfigMap)");
    out.line(2, "Name:\t", string_or(map, "name"));
    out.line(2, "Optional:\t", yes_no(bool_or(map, "optional")));
  } else if (const Json& projected = member(volume, "projected"); projected.is_object()) {
    describe_projected(member(projected, "sources"), out);
  } else if (const Json& down = member(volume, "downwardAPI"); down.is_object()) {
    out.line(2, "Type:\tDownwardAPI (a volume populated by information about the pod)");
    out.line(2, "Items:");
    const Json& items = member(down, "items");
    for (size_t i = 0; items.is_array() && i < items.size(); ++i) {
      out.line(3, string_or(member(items[i], "fieldRef"), "fieldPath"), " -> ",
               string_or(items[i], "path"));
    }
  } else {
    out.line(2, "<unknown>");
  }
}

std::string toleration_text(const Json& toleration) {
  std::string out = string_or(toleration, "key");
  if (auto value = string_or(toleration, "value"); !value.empty()) out += "=" + value;
  if (auto effect = string_or(toleration, "effect"); !effect.empty()) out += ":" + effect;
  // Without a value, Exists is what makes the toleration match.
  if (string_or(toleration, "operator") == "Exists" && string_or(toleration, "value").empty()) {
    out += string_or(toleration, "key").empty() && string_or(toleration, "effect").empty()
               ? "op=Exists"
               : " op=Exists";
  }
  if (toleration.contains("tolerationSeconds")) {
    out += str(" for ", int_or(toleration, "tolerationSeconds"), "s");
  }
  return out;
}

void describe_tolerations(const Json& tolerations, DescribeText& out) {
  if (!tolerations.is_array() || tolerations.empty()) return out.line(0, "Tolerations:\t<none>");
  std::vector<std::string> lines;
  for (const Json& toleration : tolerations) lines.push_back(toleration_text(toleration));
  std::sort(lines.begin(), lines.end());
  for (size_t i = 0; i < lines.size(); ++i) out.line(0, i == 0 ? "Tolerations:\t" : "\t", lines[i]);
}

void describe_addresses(const Json& status, DescribeText& out) {
  out.line(0, "IP:\t", string_or(status, "podIP"));
  const Json& addresses = member(status, "podIPs");
  if (!addresses.is_array() || addresses.empty()) return out.line(0, "IPs:\t<none>");
  out.line(0, "IPs:");
  for (const Json& address : addresses) out.line(1, "IP:\t", string_or(address, "ip"));
}

void describe_pod_status(const DescribeInput& input, DescribeText& out) {
  const Json& status = member(input.object, "status");
  const Json& deleted = at_path(input.object, "metadata.deletionTimestamp");
  if (deleted.is_string()) {
    out.line(0, "Status:\tTerminating (lasts ", api::human_age(deleted, input.now), ")");
    out.line(0, "Termination Grace Period:\t",
             int_or(member(input.object, "metadata"), "deletionGracePeriodSeconds"), "s");
  } else {
    out.line(0, "Status:\t", string_or(status, "phase"));
  }
  for (const auto& [shown, key] : {std::pair("Reason", "reason"), {"Message", "message"}}) {
    if (auto text = string_or(status, key); !text.empty()) out.line(0, shown, ":\t", text);
  }
}

}  // namespace

void describe_volumes(const Json& volumes, std::string_view space, DescribeText& out) {
  if (!volumes.is_array() || volumes.empty()) return out.line(0, space, "Volumes:\t<none>");
  out.line(0, space, "Volumes:");
  for (const Json& volume : volumes) {
    out.line(1, space.empty() ? "" : " ", string_or(volume, "name"), ":");
    describe_volume(volume, out);
  }
}

void describe_pod(const DescribeInput& input, DescribeText& out) {
  const Json& spec = member(input.object, "spec");
  const Json& status = member(input.object, "status");
  describe_name(input, out);
  if (spec.contains("priority")) out.line(0, "Priority:\t", int_or(spec, "priority"));
  if (auto name = string_or(spec, "priorityClassName"); !name.empty()) {
    out.line(0, "Priority Class Name:\t", name);
  }
  const std::string node = string_or(spec, "nodeName");
  out.line(0, "Node:\t", node.empty() ? "<none>" : str(node, "/", string_or(status, "hostIP")));
  if (const Json& start = member(status, "startTime"); start.is_string()) {
    out.line(0, "Start Time:\t", long_time(start));
  }
  describe_labels(input, out);
  describe_pod_status(input, out);
  describe_addresses(status, out);
  if (auto owner = controller_of(input.object); !owner.empty()) {
    out.line(0, "Controlled By:\t", owner);
  }
  describe_containers("Init Containers", input.object, "initContainers",
                      member(status, "initContainerStatuses"), "", out);
  describe_containers("Containers", input.object, "containers", member(status, "containerStatuses"),
                      "", out);
  const Json& conditions = member(status, "conditions");
  if (conditions.is_array() && !conditions.empty()) {
    out.line(0, "Conditions:");
    out.line(1, "Type\tStatus");
    for (const Json& one : conditions) {
      out.line(1, string_or(one, "type"), " \t", string_or(one, "status"), " ");
    }
  }
  describe_volumes(member(spec, "volumes"), "", out);
  if (auto qos = string_or(status, "qosClass"); !qos.empty()) out.line(0, "QoS Class:\t", qos);
  out.map("Node-Selectors", member(spec, "nodeSelector"));
  describe_tolerations(member(spec, "tolerations"), out);
  describe_events(input, out);
}

}  // namespace hoplab::cmd::kubectl
