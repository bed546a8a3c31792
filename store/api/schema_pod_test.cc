#include <gmock/gmock.h>

#include "store/api/manifest.h"
#include "store/api/schema.h"

namespace hoplab::api {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Json yaml(std::string_view text) {
  auto value = parse_yaml(text, "t.yaml");
  EXPECT_TRUE(value.ok()) << (value ? "" : value.error().message());
  return value ? std::move(value).value() : Json();
}

Json pod(std::string_view spec) {
  Json object =
      yaml("apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: " + std::string(spec));
  apply_defaults(kind_of("Pod"), object);
  return object;
}

Json service(std::string_view spec) {
  Json object =
      yaml("apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: " + std::string(spec));
  apply_defaults(kind_of("Service"), object);
  return object;
}

std::vector<std::string> mistakes(const Json& object, const Json* old = nullptr) {
  std::vector<std::string> out;
  for (const auto& cause : validate(kind_of(string_or(object, "kind")), object, old,
                                    {.unknown_fields_are_errors = true})) {
    out.push_back(cause.field + ": " + cause.message);
  }
  return out;
}

TEST(PodDefaults, AreThoseOfARealServer) {
  Json spec =
      pod("{containers: [{name: c, image: nginx, ports: [{containerPort: 80}], "
          "readinessProbe: {httpGet: {port: 80}}, env: [{name: A, valueFrom: {fieldRef: "
          "{fieldPath: metadata.name}}}], resources: {limits: {cpu: 0.5, memory: 1024Mi}}}], "
          "volumes: [{name: e}, {name: m, configMap: {name: x}}]}")["spec"];
  EXPECT_EQ(to_yaml(spec), R"(containers:
- env:
  - name: A
    valueFrom:
      fieldRef:
        apiVersion: v1
        fieldPath: metadata.name
  image: nginx
  imagePullPolicy: Always
  name: c
  ports:
  - containerPort: 80
    protocol: TCP
  readinessProbe:
    failureThreshold: 3
    httpGet:
      path: /
      port: 80
      scheme: HTTP
    periodSeconds: 10
    successThreshold: 1
    timeoutSeconds: 1
  resources:
    limits:
      cpu: 500m
      memory: 1Gi
    requests:
      cpu: 500m
      memory: 1Gi
  terminationMessagePath: /dev/termination-log
  terminationMessagePolicy: File
dnsPolicy: ClusterFirst
enableServiceLinks: true
restartPolicy: Always
schedulerName: default-scheduler
securityContext: {}
terminationGracePeriodSeconds: 30
volumes:
- emptyDir: {}
  name: e
- configMap:
    defaultMode: 420
    name: x
  name: m
)");
}

TEST(PodDefaults, PullPolicyFollowsTheTag) {
  auto policy = [](const std::string& image) {
    return pod("{containers: [{name: c, image: '" + image +
               "'}]}")["spec"]["containers"][0]["imagePullPolicy"];
  };
  EXPECT_EQ(policy("nginx"), "Always");
  EXPECT_EQ(policy("nginx:latest"), "Always");
  EXPECT_EQ(policy("nginx:1.21"), "IfNotPresent");
  EXPECT_EQ(policy("localhost:5000/nginx"), "Always");
  EXPECT_EQ(policy("localhost:5000/nginx:1"), "IfNotPresent");
  EXPECT_EQ(policy("nginx@sha256:0123"), "IfNotPresent");
}

TEST(PodDefaults, HostNetworkPortsAreHostPorts) {
  Json spec =
      pod("{hostNetwork: true, containers: [{name: c, image: a:1, ports: [{containerPort: "
          "80}]}]}")["spec"];
  EXPECT_EQ(spec["containers"][0]["ports"][0]["hostPort"], 80);
}

TEST(PodDefaults, SurviveWrongTypesAndAreStable) {
  for (const char* spec : {"3", "[1]", "{containers: 3}", "{containers: [3, [4]]}",
                           "{containers: [{resources: 3, ports: {a: b}, image: 3}], volumes: x}"}) {
    Json object = pod(spec);
    EXPECT_THAT(mistakes(object), testing::Not(IsEmpty())) << spec;
  }
  Json once = pod("{containers: [{name: c, image: a}], volumes: [{name: e}]}");
  Json twice = once;
  apply_defaults(kind_of("Pod"), twice);
  EXPECT_EQ(once, twice);
}

TEST(PodRules, NamePlaceAndReason) {
  EXPECT_THAT(mistakes(pod("{}")), ElementsAre("spec.containers: Required value"));
  EXPECT_THAT(
      mistakes(pod("{containers: [{image: a, name: A_b}, {name: x}]}")),
      ElementsAre(HasSubstr("spec.containers[0].name: Invalid value: \"A_b\": a lowercase RFC "
                            "1123 label"),
                  "spec.containers[1].image: Required value"));
  EXPECT_THAT(mistakes(pod("{containers: [{name: c, image: a}, {name: c, image: b}]}")),
              ElementsAre("spec.containers[1].name: Duplicate value: \"c\""));
  EXPECT_THAT(
      mistakes(pod("{containers: [{name: c, image: a, ports: [{containerPort: 70000}, "
                   "{containerPort: 80, name: h, protocol: ICMP}, {containerPort: 81, name: "
                   "h}]}]}")),
      ElementsAre("spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be "
                  "between 1 and 65535, inclusive",
                  "spec.containers[0].ports[1].protocol: Unsupported value: \"ICMP\": "
                  "supported values: \"SCTP\", \"TCP\", \"UDP\"",
                  "spec.containers[0].ports[2].name: Duplicate value: \"h\""));
  EXPECT_THAT(
      mistakes(pod("{containers: [{name: c, image: a, volumeMounts: [{name: v, mountPath: "
                   "/a}, {name: w, mountPath: /a}]}], volumes: [{name: v, emptyDir: {}}]}")),
      ElementsAre("spec.containers[0].volumeMounts[1].mountPath: Invalid value: \"/a\": must "
                  "be unique",
                  "spec.containers[0].volumeMounts[1].name: Not found: \"w\""));
  EXPECT_THAT(
      mistakes(pod("{containers: [{name: c, image: a, livenessProbe: {httpGet: {port: 80}, "
                   "tcpSocket: {port: http}, successThreshold: 2}, readinessProbe: {}}]}")),
      ElementsAre("spec.containers[0].livenessProbe.tcpSocket: Forbidden: may not specify more "
                  "than 1 handler type",
                  "spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must "
                  "be 1",
                  "spec.containers[0].readinessProbe: Required value: must specify a handler "
                  "type"));
  EXPECT_THAT(
      mistakes(pod("{containers: [{name: c, image: a, env: [{name: 1A}, {name: B, value: x, "
                   "valueFrom: {fieldRef: {fieldPath: spec.no}}}]}]}")),
      ElementsAre(HasSubstr("env[0].name: Invalid value: \"1A\": a valid environment variable"),
                  HasSubstr("env[1].valueFrom: Invalid value: \"\": may not be specified when "
                            "`value` is not empty"),
                  HasSubstr("field label not supported: spec.no")));
  EXPECT_THAT(
      mistakes(pod("{containers: [{name: c, image: a, resources: {limits: {cpu: 1}, requests: "
                   "{cpu: 2, memory: -1}}}]}")),
      ElementsAre(HasSubstr("must be less than or equal to cpu limit"),
                  HasSubstr("requests[memory]: Invalid value: \"-1\": must be greater than or")));
  EXPECT_THAT(
      mistakes(pod("{dnsPolicy: None, restartPolicy: Sometimes, containers: [{name: c, image: "
                   "a}], volumes: [{name: v, hostPath: {path: /a/../b, type: Disk}, emptyDir: "
                   "{}}]}")),
      ElementsAre(HasSubstr("spec.volumes[0].hostPath.path: Invalid value"),
                  HasSubstr("spec.volumes[0].hostPath.type: Unsupported value: \"Disk\""),
                  HasSubstr("may not specify more than 1 volume type"),
                  HasSubstr("spec.restartPolicy: Unsupported value: \"Sometimes\""),
                  HasSubstr("must provide at least one DNS nameserver")));
}

TEST(PodRules, UsualManifestsAreValid) {
  EXPECT_THAT(mistakes(pod(R"(
  serviceAccountName: default
  affinity:
    podAntiAffinity:
      preferredDuringSchedulingIgnoredDuringExecution:
      - weight: 100
        podAffinityTerm:
          labelSelector: {matchExpressions: [{key: k8s-app, operator: In, values: [kube-dns]}]}
          topologyKey: kubernetes.io/hostname
    nodeAffinity:
      requiredDuringSchedulingIgnoredDuringExecution:
        nodeSelectorTerms:
        - matchExpressions: [{key: a, operator: Exists}]
  tolerations: [{key: CriticalAddonsOnly, operator: Exists}, {operator: Exists, effect: NoExecute}]
  topologySpreadConstraints:
  - {maxSkew: 1, topologyKey: zone, whenUnsatisfiable: ScheduleAnyway, labelSelector: {}}
  initContainers:
  - {name: init, image: 'busybox:1', command: [sh, -c, 'echo hi'], volumeMounts: [{name: d, mountPath: /d}]}
  containers:
  - name: c
    image: coredns/coredns:1.8.0
    args: [-conf, /etc/coredns/Corefile]
    envFrom: [{configMapRef: {name: x}}, {prefix: P_, secretRef: {name: s, optional: true}}]
    lifecycle: {preStop: {exec: {command: [sleep, "5"]}}}
    securityContext: {capabilities: {add: [NET_BIND_SERVICE], drop: [all]}, readOnlyRootFilesystem: true}
    livenessProbe: {httpGet: {path: /health, port: 8080, scheme: HTTP}, initialDelaySeconds: 60}
    volumeMounts: [{name: config, mountPath: /etc/coredns, readOnly: true}]
  volumes:
  - {name: config, configMap: {name: coredns, items: [{key: Corefile, path: Corefile}]}}
  - {name: d, projected: {sources: [{serviceAccountToken: {path: token}}]}}
  - {name: nfs, nfs: {server: s, path: /}}
)")),
              IsEmpty());
}

TEST(PodRules, UserAndGroupIdsAreInRange) {
  EXPECT_THAT(
      mistakes(pod(R"({securityContext: {fsGroup: -1, runAsUser: 2147483648, supplementalGroups: [0,
          -1]}, containers: [{name: c, image: a, securityContext: {runAsGroup: 4294967296}}]})")),
      testing::UnorderedElementsAre(
          "spec.securityContext.fsGroup: Invalid value: -1: must be between 0 and 2147483647, "
          "inclusive",
          "spec.securityContext.runAsUser: Invalid value: 2147483648: must be between 0 and "
          "2147483647, inclusive",
          "spec.securityContext.supplementalGroups[1]: Invalid value: -1: must be between 0 and "
          "2147483647, inclusive",
          "spec.containers[0].securityContext.runAsGroup: Invalid value: 4294967296: must be "
          "between 0 and 2147483647, inclusive"));
  EXPECT_THAT(mistakes(pod("{securityContext: {fsGroup: 2147483647}, containers: [{name: c, image: "
                           "a}]}")),
              IsEmpty());
}

TEST(PodRules, RunningPodsChangeOnlyTheirImages) {
  Json old = pod("{containers: [{name: c, image: a}], tolerations: [{operator: Exists}]}");
  Json next = old;
  next["spec"]["containers"][0]["image"] = "b";
  next["spec"]["nodeName"] = "k8s-w1";
  EXPECT_THAT(mistakes(next, &old), IsEmpty());
  Json third = next;
  third["spec"]["nodeName"] = "k8s-w2";
  third["spec"]["containers"][0]["env"] = {{{"name", "A"}}};
  EXPECT_THAT(
      mistakes(third, &next),
      ElementsAre(testing::AllOf(
          testing::StartsWith("spec: Forbidden: pod updates may not change fields other than"),
          testing::EndsWith("changed: spec.containers[0].env, spec.nodeName"))));
}

TEST(ServiceDefaults, AreThoseOfARealServer) {
  EXPECT_EQ(to_yaml(service("{selector: {app: web}, ports: [{port: 80}]}")["spec"]),
            R"(internalTrafficPolicy: Cluster
ipFamilies:
- IPv4
ipFamilyPolicy: SingleStack
ports:
- port: 80
  protocol: TCP
  targetPort: 80
selector:
  app: web
sessionAffinity: None
type: ClusterIP
)");
  Json node_port =
      service("{type: NodePort, sessionAffinity: ClientIP, ports: [{port: 80}]}")["spec"];
  EXPECT_EQ(node_port["externalTrafficPolicy"], "Cluster");
  EXPECT_EQ(node_port["sessionAffinityConfig"]["clientIP"]["timeoutSeconds"], 10800);
  EXPECT_FALSE(service("{type: ExternalName, externalName: a.b}")["spec"].contains("ipFamilies"));
}

TEST(ServiceRules, NamePlaceAndReason) {
  EXPECT_THAT(mistakes(service("{}")), ElementsAre("spec.ports: Required value"));
  EXPECT_THAT(mistakes(service("{clusterIP: None}")), IsEmpty());
  EXPECT_THAT(
      mistakes(service("{ports: [{port: 80}, {port: 80, name: a}, {port: 81, name: a}]}")),
      ElementsAre("spec.ports[0].name: Required value",
                  "spec.ports[1]: Duplicate value: core.ServicePort{Protocol:\"TCP\", Port:80}",
                  "spec.ports[2].name: Duplicate value: \"a\""));
  EXPECT_THAT(mistakes(service("{ports: [{port: 80, nodePort: 30000}]}")),
              ElementsAre("spec.ports[0].nodePort: Forbidden: may not be used when `type` is "
                          "'ClusterIP'"));
  EXPECT_THAT(
      mistakes(service("{type: NodePort, ports: [{port: 80, name: a, nodePort: 30000}, {port: "
                       "81, name: b, nodePort: 30000}]}")),
      ElementsAre("spec.ports[1].nodePort: Duplicate value: 30000"));
  EXPECT_THAT(
      mistakes(service("{type: NodePort, clusterIP: None, ports: [{port: 80}]}")),
      ElementsAre("spec.clusterIPs[0]: Invalid value: \"None\": may not be set to 'None' for "
                  "NodePort services"));
  EXPECT_THAT(mistakes(service("{type: ExternalName, externalName: 'a_b'}")),
              ElementsAre(HasSubstr("spec.externalName: Invalid value: \"a_b\"")));
  EXPECT_THAT(mistakes(service("{clusterIP: 10.96.0.300, ports: [{port: 80, targetPort: 99999}]}")),
              ElementsAre(HasSubstr("spec.ports[0].targetPort: Invalid value: 99999"),
                          HasSubstr("spec.clusterIPs[0]: Invalid value: \"10.96.0.300\"")));
  EXPECT_THAT(
      mistakes(service("{externalIPs: [127.0.0.1], type: Internal, ports: [{port: 80}]}")),
      ElementsAre("spec.type: Unsupported value: \"Internal\": supported values: \"ClusterIP\", "
                  "\"ExternalName\", \"LoadBalancer\", \"NodePort\"",
                  HasSubstr("may not be in the loopback range")));
}

TEST(ServiceRules, AddressesStayOnceGiven) {
  Json old = service(
      "{type: NodePort, clusterIP: 10.96.0.5, clusterIPs: [10.96.0.5], ports: [{port: "
      "80, nodePort: 30001}]}");
  Json moved = old;
  moved["spec"]["clusterIP"] = "10.96.0.6";
  moved["spec"]["clusterIPs"] = {"10.96.0.6"};
  EXPECT_THAT(
      mistakes(moved, &old),
      ElementsAre("spec.clusterIPs[0]: Invalid value: []string{\"10.96.0.6\"}: may not change "
                  "once set"));
}

TEST(Defaults, OtherKinds) {
  Json secret = yaml("{stringData: {user: admin}, data: {old: eA==}}");
  apply_defaults(kind_of("Secret"), secret);
  EXPECT_EQ(secret, yaml("{data: {user: YWRtaW4=, old: eA==}, type: Opaque}"));
  Json deployment = yaml("{spec: {template: {}}}");
  apply_defaults(kind_of("Deployment"), deployment);
  EXPECT_EQ(deployment["spec"]["strategy"],
            yaml("{type: RollingUpdate, rollingUpdate: {maxSurge: 25%, maxUnavailable: 25%}}"));
  EXPECT_EQ(deployment["spec"]["revisionHistoryLimit"], 10);
  EXPECT_EQ(deployment["spec"]["progressDeadlineSeconds"], 600);
  Json daemon_set = yaml("{spec: {}}");
  apply_defaults(kind_of("DaemonSet"), daemon_set);
  EXPECT_EQ(daemon_set["spec"]["updateStrategy"],
            yaml("{type: RollingUpdate, rollingUpdate: {maxSurge: 0, maxUnavailable: 1}}"));
  Json space = yaml("{metadata: {name: shop}}");
  apply_defaults(kind_of("Namespace"), space);
  EXPECT_EQ(space,
            yaml("{metadata: {name: shop, labels: {kubernetes.io/metadata.name: shop}}, status: "
                 "{phase: Active}}"));
}

TEST(Defaults, PruneNoiseKeepsLists) {
  Json object = yaml(
      "{metadata: {labels: {}, annotations: {}, creationTimestamp: null}, spec: "
      "{template: {metadata: {creationTimestamp: null}}, allocations: [null, 1], "
      "labels: {}}}");
  prune_noise(object);
  EXPECT_EQ(
      object,
      yaml("{metadata: {}, spec: {template: {metadata: {}}, allocations: [null, 1], labels: {}}}"));
}

}  // namespace
}  // namespace hoplab::api
