#include "store/api/schema_text.h"

namespace hoplab::api::schema_text {

const std::string_view core = R"(
kind Service
  spec ServiceSpec
  status ServiceStatus
type ServiceSpec
  ports []ServicePort key:port
  selector {}str
  clusterIP str
  clusterIPs []str
  type str =ClusterIP|ExternalName|LoadBalancer|NodePort def:ClusterIP
  externalIPs []str
  sessionAffinity str =ClientIP|None def:None
  loadBalancerIP str
  loadBalancerSourceRanges []str
  externalName str
  externalTrafficPolicy str =Cluster|Local
  healthCheckNodePort int32 min:0
  publishNotReadyAddresses bool
  sessionAffinityConfig SessionAffinityConfig
  ipFamilies []str
  ipFamilyPolicy str =SingleStack|PreferDualStack|RequireDualStack
  allocateLoadBalancerNodePorts bool
  loadBalancerClass str
  internalTrafficPolicy str =Cluster|Local
  trafficDistribution str
  topologyKeys []str
type ServicePort
  name str fmt:label
  protocol str =SCTP|TCP|UDP def:TCP
  appProtocol str fmt:qname
  port int32 ! fmt:port
  targetPort intstr fmt:port
  nodePort int32 min:0
type SessionAffinityConfig
  clientIP ClientIPConfig
type ClientIPConfig
  timeoutSeconds int32
type ServiceStatus
  loadBalancer LoadBalancerStatus
  conditions []Condition key:type
type LoadBalancerStatus
  ingress []LoadBalancerIngress
type LoadBalancerIngress
  ip str fmt:ip
  hostname str
  ipMode str
  ports json
kind Endpoints
  subsets []EndpointSubset
type EndpointSubset
  addresses []EndpointAddress
  notReadyAddresses []EndpointAddress
  ports []EndpointPort
type EndpointAddress
  ip str ! fmt:ip
  hostname str fmt:label
  nodeName str fmt:subdomain
  targetRef ObjectReference
type EndpointPort
  name str fmt:label
  port int32 ! fmt:port
  protocol str =SCTP|TCP|UDP def:TCP
  appProtocol str
kind EndpointSlice
  addressType str ! =FQDN|IPv4|IPv6
  endpoints []Endpoint
  ports []EndpointSlicePort
type Endpoint
  addresses []str !
  conditions EndpointConditions
  hostname str fmt:label
  targetRef ObjectReference
  deprecatedTopology {}str
  nodeName str fmt:subdomain
  zone str
  hints json
type EndpointConditions
  ready bool
  serving bool
  terminating bool
type EndpointSlicePort
  name str def:
  protocol str =SCTP|TCP|UDP def:TCP
  port int32 fmt:port
  appProtocol str
kind ConfigMap
  immutable bool
  data {}str
  binaryData {}bytes
kind Secret
  immutable bool
  data {}bytes
  stringData {}str
  type str def:Opaque
kind ServiceAccount
  secrets []ObjectReference key:name
  imagePullSecrets []LocalObjectReference
  automountServiceAccountToken bool
kind Namespace
  spec NamespaceSpec
  status NamespaceStatus
type NamespaceSpec
  finalizers []str
type NamespaceStatus
  phase str
  conditions []Condition key:type
kind Event
  involvedObject ObjectReference !
  reason str
  message str
  source EventSource
  firstTimestamp time
  lastTimestamp time
  count int32
  type str
  eventTime microtime
  series EventSeries
  action str
  related ObjectReference
  reportingComponent str
  reportingInstance str
type EventSource
  component str
  host str
type EventSeries
  count int32
  lastObservedTime microtime
kind Lease
  spec LeaseSpec
type LeaseSpec
  holderIdentity str
  leaseDurationSeconds int32 min:1
  acquireTime microtime
  renewTime microtime
  leaseTransitions int32 min:0
  strategy str
  preferredHolder str
)";

const std::string_view node = R"(
kind Node
  spec NodeSpec
  status NodeStatus
type NodeSpec
  podCIDR str fmt:cidr
  podCIDRs []str set
  providerID str
  unschedulable bool
  taints []Taint
  configSource json
  externalID str
type Taint
  key str ! fmt:qname
  value str fmt:labelvalue
  effect str ! =NoSchedule|PreferNoSchedule|NoExecute
  timeAdded time
type NodeStatus
  capacity {}quantity
  allocatable {}quantity
  phase str
  conditions []NodeCondition key:type
  addresses []NodeAddress key:type
  daemonEndpoints NodeDaemonEndpoints
  nodeInfo NodeSystemInfo
  images []ContainerImage
  volumesInUse []str
  volumesAttached json
  config json
  runtimeHandlers json
  features json
type NodeCondition
  type str !
  status str !
  lastHeartbeatTime time
  lastTransitionTime time
  reason str
  message str
type NodeAddress
  type str !
  address str !
type NodeDaemonEndpoints
  kubeletEndpoint DaemonEndpoint
type DaemonEndpoint
  Port int32
type ContainerImage
  names []str
  sizeBytes int64
type NodeSystemInfo
  machineID str
  systemUUID str
  bootID str
  kernelVersion str
  osImage str
  containerRuntimeVersion str
  kubeletVersion str
  kubeProxyVersion str
  operatingSystem str
  architecture str
)";

}  // namespace hoplab::api::schema_text
