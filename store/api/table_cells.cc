#include "store/api/table_cells.h"

#include <algorithm>
#include <set>

#include "runtime/base/text.h"
#include "store/api/kind.h"
#include "store/api/table.h"

namespace hoplab::api {

namespace {

const Json& items_of(const Json& object, std::string_view list) {
  static const Json none = Json::array();
  const Json& items = member(object, list);
  return items.is_array() ? items : none;
}

std::string age_of(const Json& object, WallTime now) {
  return human_age(member(member(object, "metadata"), "creationTimestamp"), now);
}

std::string or_none(const std::string& text) {
  return text.empty() ? "<none>" : text;
}

size_t count_of(const Json& object, std::string_view field) {
  const Json& value = member(object, field);
  return value.is_structured() ? value.size() : 0;
}

/// The first three pieces, then how many are left.
class ShortList {
 public:
  void add(std::string_view piece) {
    if (++count_ > most) return;
    text_ += str(text_.empty() ? "" : ",", piece);
  }
  [[nodiscard]] std::string text() const {
    return count_ > most ? str(text_, " + ", count_ - most, " more...") : text_;
  }

 private:
  static constexpr size_t most = 3;
  size_t count_ = 0;
  std::string text_;
};

std::string joined(const Json& object, std::string_view list, std::string_view field) {
  std::vector<std::string> texts;
  for (const Json& item : items_of(object, list)) texts.push_back(string_or(item, field));
  return join(texts, ",");
}

/// Containers, images and selector of a workload, for `-o wide`.
void add_template(Json& cells, const Json& spec) {
  const Json& pod_spec = member(member(spec, "template"), "spec");
  cells.push_back(joined(pod_spec, "containers", "name"));
  cells.push_back(joined(pod_spec, "containers", "image"));
  cells.push_back(selector_text(member(spec, "selector")));
}

std::string external_ip(const Json& service) {
  const Json& spec = member(service, "spec");
  std::string type = string_or(spec, "type", "ClusterIP");
  if (type == "ExternalName") return string_or(spec, "externalName");
  std::vector<std::string> ips;
  if (type == "LoadBalancer") {
    std::set<std::string> points;
    const Json& balancer = member(member(service, "status"), "loadBalancer");
    for (const Json& point : items_of(balancer, "ingress")) {
      std::string ip = string_or(point, "ip");
      points.insert(ip.empty() ? string_or(point, "hostname") : ip);
    }
    ips.assign(points.begin(), points.end());
  }
  for (const Json& ip : items_of(spec, "externalIPs")) {
    if (ip.is_string()) ips.push_back(ip.get<std::string>());
  }
  if (!ips.empty()) return join(ips, ",");
  return type == "LoadBalancer" ? "<pending>" : "<none>";
}

std::string requirement_text(const Json& term) {
  std::string op = string_or(term, "operator");
  std::string key = string_or(term, "key");
  if (op == "Exists") return key;
  if (op == "DoesNotExist") return "!" + key;
  std::vector<std::string> values;
  for (const Json& value : items_of(term, "values")) {
    if (value.is_string()) values.push_back(value.get<std::string>());
  }
  std::sort(values.begin(), values.end());
  return str(key, op == "NotIn" ? " notin (" : " in (", join(values, ","), ")");
}

}  // namespace

std::string labels_text(const Json& labels) {
  std::vector<std::string> pairs;
  for (auto it = labels.begin(); labels.is_object() && it != labels.end(); ++it) {
    pairs.push_back(str(it.key(), "=", it->is_string() ? it->get<std::string>() : it->dump()));
  }
  return or_none(join(pairs, ","));
}

std::string selector_text(const Json& selector) {
  std::vector<std::pair<std::string, std::string>> terms;
  const Json& labels = member(selector, "matchLabels");
  for (auto it = labels.begin(); labels.is_object() && it != labels.end(); ++it) {
    terms.emplace_back(it.key(), str(it.key(), "=", it->is_string() ? it->get<std::string>() : ""));
  }
  for (const Json& term : items_of(selector, "matchExpressions")) {
    terms.emplace_back(string_or(term, "key"), requirement_text(term));
  }
  std::stable_sort(terms.begin(), terms.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string> texts;
  for (auto& term : terms) texts.push_back(std::move(term.second));
  return or_none(join(texts, ","));
}

std::string service_ports_text(const Json& service) {
  std::vector<std::string> texts;
  for (const Json& port : items_of(member(service, "spec"), "ports")) {
    int64_t node_port = int_or(port, "nodePort");
    std::string outside = node_port > 0 ? str(":", node_port) : "";
    texts.push_back(str(int_or(port, "port"), outside, "/", string_or(port, "protocol", "TCP")));
  }
  return or_none(join(texts, ","));
}

Json plain_cells(const Json& object, WallTime now) {
  return {name_of(object), age_of(object, now)};
}

Json service_cells(const Json& object, WallTime now) {
  const Json& spec = member(object, "spec");
  return {name_of(object),
          string_or(spec, "type", "ClusterIP"),
          or_none(string_or(spec, "clusterIP")),
          external_ip(object),
          service_ports_text(object),
          age_of(object, now),
          labels_text(member(spec, "selector"))};
}

Json endpoints_cells(const Json& object, WallTime now) {
  ShortList list;
  const Json& subsets = items_of(object, "subsets");
  for (const Json& subset : subsets) {
    const Json& addresses = items_of(subset, "addresses");
    const Json& ports = items_of(subset, "ports");
    // A headless service may have no ports.
    if (ports.empty()) {
      for (const Json& address : addresses) list.add(string_or(address, "ip"));
    }
    for (const Json& port : ports) {
      for (const Json& address : addresses) {
        list.add(str(string_or(address, "ip"), ":", int_or(port, "port")));
      }
    }
  }
  return {name_of(object), subsets.empty() ? "<none>" : list.text(), age_of(object, now)};
}

Json endpoint_slice_cells(const Json& object, WallTime now) {
  ShortList ports;
  for (const Json& port : items_of(object, "ports")) {
    int64_t number = int_or(port, "port");
    ports.add(number > 0 ? std::to_string(number) : string_or(port, "name", "*"));
  }
  ShortList addresses;
  for (const Json& endpoint : items_of(object, "endpoints")) {
    for (const Json& address : items_of(endpoint, "addresses")) {
      addresses.add(address.is_string() ? address.get<std::string>() : "");
    }
  }
  auto or_unset = [](const std::string& text) { return text.empty() ? "<unset>" : text; };
  return {name_of(object), string_or(object, "addressType"), or_unset(ports.text()),
          or_unset(addresses.text()), age_of(object, now)};
}

Json deployment_cells(const Json& object, WallTime now) {
  const Json& status = member(object, "status");
  int64_t desired = int_or(member(object, "spec"), "replicas", 1);
  Json cells = {name_of(object), str(int_or(status, "readyReplicas"), "/", desired),
                int_or(status, "updatedReplicas"), int_or(status, "availableReplicas"),
                age_of(object, now)};
  add_template(cells, member(object, "spec"));
  return cells;
}

Json replica_set_cells(const Json& object, WallTime now) {
  const Json& status = member(object, "status");
  Json cells = {name_of(object), int_or(member(object, "spec"), "replicas", 1),
                int_or(status, "replicas"), int_or(status, "readyReplicas"), age_of(object, now)};
  add_template(cells, member(object, "spec"));
  return cells;
}

Json daemon_set_cells(const Json& object, WallTime now) {
  const Json& status = member(object, "status");
  const Json& pod_spec = member(member(member(object, "spec"), "template"), "spec");
  Json cells = {name_of(object),
                int_or(status, "desiredNumberScheduled"),
                int_or(status, "currentNumberScheduled"),
                int_or(status, "numberReady"),
                int_or(status, "updatedNumberScheduled"),
                int_or(status, "numberAvailable"),
                labels_text(member(pod_spec, "nodeSelector")),
                age_of(object, now)};
  add_template(cells, member(object, "spec"));
  return cells;
}

Json namespace_cells(const Json& object, WallTime now) {
  return {name_of(object), string_or(member(object, "status"), "phase"), age_of(object, now)};
}

Json config_map_cells(const Json& object, WallTime now) {
  return {name_of(object), count_of(object, "data") + count_of(object, "binaryData"),
          age_of(object, now)};
}

Json secret_cells(const Json& object, WallTime now) {
  return {name_of(object), string_or(object, "type"), count_of(object, "data"),
          age_of(object, now)};
}

Json service_account_cells(const Json& object, WallTime now) {
  return {name_of(object), count_of(object, "secrets"), age_of(object, now)};
}

Json lease_cells(const Json& object, WallTime now) {
  return {name_of(object), string_or(member(object, "spec"), "holderIdentity"),
          age_of(object, now)};
}

Json event_cells(const Json& object, WallTime now) {
  const Json& first_time = member(object, "firstTimestamp");
  std::string first =
      human_age(first_time.is_null() ? member(object, "eventTime") : first_time, now);
  const Json& last_time = member(object, "lastTimestamp");
  std::string last = last_time.is_null() ? first : human_age(last_time, now);
  int64_t count = std::max<int64_t>(int_or(object, "count"), 1);
  const Json& series = member(object, "series");
  if (series.is_object()) {
    last = human_age(member(series, "lastObservedTime"), now);
    count = int_or(series, "count");
  }
  const Json& about = member(object, "involvedObject");
  std::string target = to_lower(string_or(about, "kind"));
  std::string name = string_or(about, "name");
  if (!name.empty()) target += "/" + name;
  const Json& source = member(object, "source");
  std::string component = string_or(source, "component", string_or(object, "reportingComponent"));
  std::string host = string_or(source, "host");
  if (!host.empty()) component += ", " + host;
  return {last,
          string_or(object, "type"),
          string_or(object, "reason"),
          target,
          string_or(about, "fieldPath"),
          component,
          std::string(trim(string_or(object, "message"))),
          first,
          count,
          name_of(object)};
}

}  // namespace hoplab::api
