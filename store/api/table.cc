#include "store/api/table.h"

#include <map>

#include "runtime/base/text.h"
#include "store/api/table_cells.h"

namespace hoplab::api {

namespace {

/// A kind's printer: columns as text, "*" marks those of `-o wide`, "#" whole numbers.
struct Printer {
  std::string_view columns;
  Json (*cells)(const Json& object, WallTime now);
};

const Printer& printer_of(const Kind& kind) {
  static const std::map<std::string_view, Printer> printers = {
      {"Pod",
       {"Name|Ready|Status|Restarts|Age|*IP|*Node|*Nominated Node|*Readiness Gates", pod_cells}},
      {"Service", {"Name|Type|Cluster-IP|External-IP|Port(s)|Age|*Selector", service_cells}},
      {"Endpoints", {"Name|Endpoints|Age", endpoints_cells}},
      {"EndpointSlice", {"Name|AddressType|Ports|Endpoints|Age", endpoint_slice_cells}},
      {"Deployment",
       {"Name|Ready|Up-to-date|Available|Age|*Containers|*Images|*Selector", deployment_cells}},
      {"ReplicaSet",
       {"Name|#Desired|#Current|#Ready|Age|*Containers|*Images|*Selector", replica_set_cells}},
      {"DaemonSet",
       {"Name|#Desired|#Current|#Ready|#Up-to-date|#Available|Node "
        "Selector|Age|*Containers|*Images|*Selector",
        daemon_set_cells}},
      {"Node",
       {"Name|Status|Roles|Age|Version|*Internal-IP|*External-IP|*OS-Image|*Kernel-Version|"
        "*Container-Runtime",
        node_cells}},
      {"Namespace", {"Name|Status|Age", namespace_cells}},
      {"ConfigMap", {"Name|Data|Age", config_map_cells}},
      {"Secret", {"Name|Type|#Data|Age", secret_cells}},
      {"ServiceAccount", {"Name|#Secrets|Age", service_account_cells}},
      {"Lease", {"Name|Holder|Age", lease_cells}},
      {"Event",
       {"Last Seen|Type|Reason|Object|*Subobject|*Source|Message|*First Seen|*Count|*Name",
        event_cells}},
  };
  static const Printer plain = {"Name|Age", plain_cells};
  auto found = printers.find(kind.kind);
  return found == printers.end() ? plain : found->second;
}

}  // namespace

Json table_columns(const Kind& kind) {
  Json out = Json::array();
  for (auto name : split(printer_of(kind).columns, '|')) {
    bool wide = name.starts_with('*');
    bool number = name.starts_with('#');
    if (wide || number) name.remove_prefix(1);
    out.push_back({{"name", name},
                   {"type", number ? "integer" : "string"},
                   {"format", name == "Name" ? "name" : ""},
                   {"description", ""},
                   {"priority", wide ? 1 : 0}});
  }
  return out;
}

Json table_cells(const Kind& kind, const Json& object, WallTime now) {
  return printer_of(kind).cells(object, now);
}

IncludeObject parse_include_object(std::string_view text) {
  if (text == "None") return IncludeObject::none;
  return text == "Object" ? IncludeObject::object : IncludeObject::metadata;
}

Json table_row(const Kind& kind, const Json& object, const TableOptions& options) {
  Json row = {{"cells", table_cells(kind, object, options.now)}, {"object", nullptr}};
  if (options.include == IncludeObject::object) row["object"] = object;
  if (options.include == IncludeObject::metadata) {
    row["object"] = {{"kind", "PartialObjectMetadata"},
                     {"apiVersion", "meta.k8s.io/v1"},
                     {"metadata", member(object, "metadata")}};
  }
  return row;
}

Json to_table(const Kind& kind, std::span<const Json> objects, const TableOptions& options) {
  Json rows = Json::array();
  for (const Json& object : objects) rows.push_back(table_row(kind, object, options));
  return {{"kind", "Table"},
          {"apiVersion", "meta.k8s.io/v1"},
          {"metadata", Json::object()},
          {"columnDefinitions", table_columns(kind)},
          {"rows", std::move(rows)}};
}

std::string human_duration(std::chrono::nanoseconds duration) {
  using namespace std::chrono;
  auto seconds_in = duration_cast<seconds>(duration).count();
  // A clock that is a little ahead is no mistake.
  if (seconds_in < -1) return "<invalid>";
  if (seconds_in < 0) return "0s";
  if (seconds_in < 120) return str(seconds_in, "s");
  auto both = [](int64_t large, char large_unit, int64_t small, char small_unit) {
    return small == 0 ? str(large, large_unit) : str(large, large_unit, small, small_unit);
  };
  int64_t in_minutes = seconds_in / 60;
  if (in_minutes < 10) return both(in_minutes, 'm', seconds_in % 60, 's');
  if (in_minutes < 180) return str(in_minutes, "m");
  int64_t in_hours = in_minutes / 60;
  if (in_hours < 8) return both(in_hours, 'h', in_minutes % 60, 'm');
  if (in_hours < 48) return str(in_hours, "h");
  int64_t in_days = in_hours / 24;
  if (in_days < 8) return both(in_days, 'd', in_hours % 24, 'h');
  if (in_days < 365L * 2) return str(in_days, "d");
  if (in_days < 365L * 8) return both(in_days / 365, 'y', in_days % 365, 'd');
  return str(in_days / 365, "y");
}

std::string human_age(const Json& time, WallTime now) {
  if (!time.is_string()) return "<unknown>";
  auto parsed = parse_rfc3339(time.get_ref<const std::string&>());
  return parsed ? human_duration(now - *parsed) : "<unknown>";
}

}  // namespace hoplab::api
