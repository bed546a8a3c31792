#include "store/api/table.h"

#include <gmock/gmock.h>

#include "runtime/base/text.h"
#include "store/api/manifest.h"

namespace hoplab::api {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

const WallTime now = *parse_rfc3339("2026-11-23T12:00:00Z");

Json yaml(std::string_view text) {
  auto value = parse_yaml(text, "t.yaml");
  EXPECT_TRUE(value.ok()) << (value ? "" : value.error().message());
  return value ? std::move(value).value() : Json();
}

/// Header and cells of one object, as a reader sees them with -o wide.
std::string table(std::string_view kind_name, std::string_view text) {
  const Kind& kind = kind_of(kind_name);
  Json object = yaml(text);
  object["metadata"]["name"] = "web";
  object["metadata"]["creationTimestamp"] = "2026-11-23T11:55:00Z";
  std::string header;
  for (const Json& column : table_columns(kind)) {
    header += str(header.empty() ? "" : "|", column["name"].get<std::string>());
  }
  std::string cells;
  Json row = table_cells(kind, object, now);
  EXPECT_EQ(row.size(), table_columns(kind).size()) << kind_name;
  for (const Json& cell : row) {
    cells +=
        str(cells.empty() ? "" : "|", cell.is_string() ? cell.get<std::string>() : cell.dump());
  }
  return header + "\n" + cells;
}

std::string pod_row(std::string_view text) {
  std::string whole = table("Pod", text);
  return whole.substr(whole.find('\n') + 1);
}

TEST(Table, AgesReadLikeKubectl) {
  const std::pair<std::chrono::nanoseconds, const char*> cases[] = {
      {seconds(-5), "<invalid>"}, {seconds(-1), "0s"},        {seconds(0), "0s"},
      {seconds(119), "119s"},     {seconds(120), "2m"},       {seconds(185), "3m5s"},
      {minutes(10), "10m"},       {minutes(179), "179m"},     {minutes(185), "3h5m"},
      {hours(7), "7h"},           {hours(47), "47h"},         {hours(51), "2d3h"},
      {hours(24 * 9), "9d"},      {hours(24 * 800), "2y70d"}, {hours(24 * 365 * 9), "9y"},
  };
  for (auto [age, text] : cases) EXPECT_EQ(human_duration(age), text);
  EXPECT_EQ(human_age(nullptr, now), "<unknown>");
  EXPECT_EQ(human_age("yesterday", now), "<unknown>");
}

TEST(Table, Pods) {
  EXPECT_EQ(table("Pod", R"(
spec: {nodeName: k8s-w1, containers: [{name: a}, {name: b}], readinessGates: [{conditionType: x}]}
status:
  phase: Running
  podIP: 172.16.158.2
  containerStatuses:
  - {ready: true, restartCount: 2, state: {running: {}}, lastState: {terminated: {finishedAt: '2026-11-23T11:58:00Z'}}}
  - {ready: false, restartCount: 0, state: {running: {}}}
)"),
            "Name|Ready|Status|Restarts|Age|IP|Node|Nominated Node|Readiness Gates\n"
            "web|1/2|Running|2 (2m ago)|5m|172.16.158.2|k8s-w1|<none>|0/1");
  EXPECT_EQ(pod_row("spec: {containers: [{name: a}]}\nstatus: {phase: Pending}"),
            "web|0/1|Pending|0|5m|<none>|<none>|<none>|<none>");
}

TEST(Table, PodStatusTexts) {
  auto status = [](std::string_view text) { return pod_status_text(yaml(text)); };
  EXPECT_EQ(status("status: {phase: Running, containerStatuses: [{state: {waiting: {reason: "
                   "CrashLoopBackOff}}}]}"),
            "CrashLoopBackOff");
  EXPECT_EQ(status("status: {phase: Failed, containerStatuses: [{state: {terminated: {exitCode: "
                   "3}}}]}"),
            "ExitCode:3");
  EXPECT_EQ(
      status("status: {phase: Failed, containerStatuses: [{state: {terminated: {signal: 9}}}]}"),
      "Signal:9");
  EXPECT_EQ(status("status: {phase: Failed, reason: Evicted}"), "Evicted");
  EXPECT_EQ(status("status: {phase: Succeeded, containerStatuses: [{state: {terminated: {reason: "
                   "Completed}}}]}"),
            "Completed");
  constexpr std::string_view half =
      "containerStatuses: [{state: {terminated: {reason: Completed}}}, {ready: true, state: "
      "{running: {}}}]";
  EXPECT_EQ(status(str("status: {phase: Running, ", half, "}")), "NotReady");
  EXPECT_EQ(status(str("status: {phase: Running, conditions: [{type: Ready, status: 'True'}], ",
                       half, "}")),
            "Running");
  constexpr std::string_view two = "spec: {initContainers: [{}, {}]}\n";
  EXPECT_EQ(status(str(two,
                       "status: {phase: Pending, initContainerStatuses: [{state: {terminated: "
                       "{exitCode: 0}}}, {state: {running: {}}}]}")),
            "Init:1/2");
  EXPECT_EQ(status(str(two,
                       "status: {phase: Pending, initContainerStatuses: [{state: {waiting: "
                       "{reason: ImagePullBackOff}}}]}")),
            "Init:ImagePullBackOff");
  EXPECT_EQ(status(str(two,
                       "status: {phase: Pending, initContainerStatuses: [{state: {terminated: "
                       "{exitCode: 1, reason: Error}}}]}")),
            "Init:Error");
  EXPECT_EQ(status("metadata: {deletionTimestamp: x}\nstatus: {phase: Running}"), "Terminating");
  EXPECT_EQ(status("metadata: {deletionTimestamp: x}\nstatus: {phase: Running, reason: NodeLost}"),
            "Unknown");
  EXPECT_EQ(status("status: [3]"), "");
}

TEST(Table, Nodes) {
  EXPECT_EQ(table("Node", R"(
metadata: {labels: {node-role.kubernetes.io/master: '', node-role.kubernetes.io/control-plane: '', a: b}}
spec: {unschedulable: true}
status:
  addresses: [{type: Hostname, address: k8s-m}, {type: InternalIP, address: 192.168.10.10}]
  conditions: [{type: Ready, status: 'False'}]
  nodeInfo: {kubeletVersion: v1.22.6, osImage: Debian, kernelVersion: 6.1, containerRuntimeVersion: 'docker://20.10.12'}
)"),
            "Name|Status|Roles|Age|Version|Internal-IP|External-IP|OS-Image|Kernel-Version|"
            "Container-Runtime\n"
            "web|NotReady,SchedulingDisabled|control-plane,master|5m|v1.22.6|192.168.10.10|<none>|"
            "Debian|<unknown>|docker://20.10.12");
  EXPECT_THAT(table("Node", "{}"), testing::HasSubstr("web|Unknown|<none>|5m||<none>|"));
}

TEST(Table, Services) {
  EXPECT_EQ(table("Service",
                  "spec: {type: NodePort, clusterIP: 10.96.0.5, selector: {app: web, b: c}, "
                  "ports: [{port: 80, nodePort: 30080, protocol: TCP}, {port: 53, protocol: "
                  "UDP}]}"),
            "Name|Type|Cluster-IP|External-IP|Port(s)|Age|Selector\n"
            "web|NodePort|10.96.0.5|<none>|80:30080/TCP,53/UDP|5m|app=web,b=c");
  auto row = [](std::string_view text) {
    std::string whole = table("Service", text);
    return whole.substr(whole.find('\n') + 1);
  };
  EXPECT_EQ(row("spec: {type: LoadBalancer, clusterIP: 10.96.0.5}"),
            "web|LoadBalancer|10.96.0.5|<pending>|<none>|5m|<none>");
  EXPECT_EQ(
      row("spec: {type: LoadBalancer, externalIPs: [1.1.1.1]}\nstatus: {loadBalancer: {ingress: "
          "[{ip: 9.9.9.9}, {hostname: lb}]}}"),
      "web|LoadBalancer|<none>|9.9.9.9,lb,1.1.1.1|<none>|5m|<none>");
  EXPECT_EQ(row("spec: {type: ExternalName, externalName: a.b}"),
            "web|ExternalName|<none>|a.b|<none>|5m|<none>");
}

TEST(Table, Endpoints) {
  EXPECT_EQ(table("Endpoints",
                  "subsets: [{addresses: [{ip: 1.1.1.1}, {ip: 2.2.2.2}], ports: [{port: "
                  "80}, {port: 81}]}, {addresses: [{ip: 3.3.3.3}]}]"),
            "Name|Endpoints|Age\nweb|1.1.1.1:80,2.2.2.2:80,1.1.1.1:81 + 2 more...|5m");
  EXPECT_EQ(table("Endpoints", "{}"), "Name|Endpoints|Age\nweb|<none>|5m");
  EXPECT_EQ(table("EndpointSlice",
                  "addressType: IPv4\nendpoints: [{addresses: [1.1.1.1]}]\nports: "
                  "[{port: 80}, {name: any}]"),
            "Name|AddressType|Ports|Endpoints|Age\nweb|IPv4|80,any|1.1.1.1|5m");
  EXPECT_THAT(table("EndpointSlice", "addressType: IPv4"),
              testing::EndsWith("IPv4|<unset>|<unset>|5m"));
}

TEST(Table, Workloads) {
  constexpr std::string_view spec =
      "spec: {replicas: 3, selector: {matchLabels: {app: web}, matchExpressions: [{key: a, "
      "operator: "
      "NotIn, values: [y2, x]}, {key: z, operator: Exists}]}, template: {spec: {nodeSelector: {os: "
      "linux}, containers: [{name: c, image: 'nginx:1'}, {name: d, image: e}]}}}\n";
  EXPECT_EQ(table("Deployment", str(spec,
                                    "status: {readyReplicas: 2, updatedReplicas: 3, "
                                    "availableReplicas: 2}")),
            "Name|Ready|Up-to-date|Available|Age|Containers|Images|Selector\n"
            "web|2/3|3|2|5m|c,d|nginx:1,e|a notin (x,y2),app=web,z");
  EXPECT_EQ(table("ReplicaSet", str(spec, "status: {replicas: 3, readyReplicas: 2}")),
            "Name|Desired|Current|Ready|Age|Containers|Images|Selector\n"
            "web|3|3|2|5m|c,d|nginx:1,e|a notin (x,y2),app=web,z");
  EXPECT_EQ(table("DaemonSet", str(spec, "status: {desiredNumberScheduled: 4, numberReady: 1}")),
            "Name|Desired|Current|Ready|Up-to-date|Available|Node Selector|Age|Containers|Images|"
            "Selector\n"
            "web|4|0|1|0|0|os=linux|5m|c,d|nginx:1,e|a notin (x,y2),app=web,z");
}

TEST(Table, SmallKinds) {
  EXPECT_EQ(table("Namespace", "status: {phase: Active}"), "Name|Status|Age\nweb|Active|5m");
  EXPECT_EQ(table("ConfigMap", "{data: {a: b}, binaryData: {c: YQ==}}"), "Name|Data|Age\nweb|2|5m");
  EXPECT_EQ(table("Secret", "{type: Opaque, data: {a: YQ==}}"),
            "Name|Type|Data|Age\nweb|Opaque|1|5m");
  EXPECT_EQ(table("ServiceAccount", "{}"), "Name|Secrets|Age\nweb|0|5m");
  EXPECT_EQ(table("Lease", "spec: {holderIdentity: k8s-w1}"), "Name|Holder|Age\nweb|k8s-w1|5m");
  EXPECT_EQ(table("IPPool", "{}"), "Name|Age\nweb|5m");
  EXPECT_EQ(
      table("Event", R"(
involvedObject: {kind: Pod, name: web, fieldPath: 'spec.containers{c}'}
reason: Started
type: Normal
message: "Started container c\n"
source: {component: kubelet, host: k8s-w1}
firstTimestamp: '2026-11-23T11:57:00Z'
lastTimestamp: '2026-11-23T11:59:00Z'
count: 3
)"),
      "Last Seen|Type|Reason|Object|Subobject|Source|Message|First Seen|Count|Name\n"
      "60s|Normal|Started|pod/web|spec.containers{c}|kubelet, k8s-w1|Started container c|3m|3|web");
}

TEST(Table, CarriesWhatTheQueryAsksFor) {
  std::vector<Json> pods = {yaml("{kind: Pod, metadata: {name: web, labels: {a: b}}, spec: {}}")};
  Json whole = to_table(kind_of("Pod"), pods, {.include = IncludeObject::metadata, .now = now});
  EXPECT_EQ(whole["kind"], "Table");
  EXPECT_EQ(whole["columnDefinitions"][0],
            yaml("{name: Name, type: string, format: name, description: '', priority: 0}"));
  EXPECT_EQ(whole["columnDefinitions"][5]["priority"], 1);
  EXPECT_EQ(whole["rows"][0]["object"]["kind"], "PartialObjectMetadata");
  EXPECT_EQ(whole["rows"][0]["object"]["metadata"]["labels"]["a"], "b");
  EXPECT_EQ(table_row(kind_of("Pod"), pods[0],
                      {.include = parse_include_object("Object"), .now = now})["object"],
            pods[0]);
  EXPECT_EQ(table_row(kind_of("Pod"), pods[0],
                      {.include = parse_include_object("None"), .now = now})["object"],
            nullptr);
}

}  // namespace
}  // namespace hoplab::api
