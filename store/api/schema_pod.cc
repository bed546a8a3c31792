#include "store/api/schema_text.h"

namespace hoplab::api::schema_text {

const std::string_view pod = R"(
kind Pod
  spec PodSpec
  status PodStatus
type PodTemplateSpec
  metadata ObjectMeta
  spec PodSpec
type PodSpec
  volumes []Volume key:name retain
  initContainers []Container key:name
  containers []Container ! key:name
  ephemeralContainers []Container key:name
  restartPolicy str =Always|OnFailure|Never def:Always
  terminationGracePeriodSeconds int64 min:0 def:30
  activeDeadlineSeconds int64 min:1
  dnsPolicy str =ClusterFirstWithHostNet|ClusterFirst|Default|None def:ClusterFirst
  nodeSelector {}str
  serviceAccountName str fmt:subdomain
  serviceAccount str
  automountServiceAccountToken bool
  nodeName str fmt:subdomain
  hostNetwork bool
  hostPID bool
  hostIPC bool
  shareProcessNamespace bool
  securityContext PodSecurityContext def:{}
  imagePullSecrets []LocalObjectReference key:name
  hostname str fmt:label
  subdomain str fmt:label
  affinity Affinity
  schedulerName str def:default-scheduler
  tolerations []Toleration
  hostAliases []HostAlias key:ip
  priorityClassName str
  priority int32
  dnsConfig PodDNSConfig
  readinessGates []PodReadinessGate
  runtimeClassName str fmt:subdomain
  enableServiceLinks bool def:true
  preemptionPolicy str =PreemptLowerPriority|Never
  overhead {}quantity
  topologySpreadConstraints []TopologySpreadConstraint key:topologyKey
  setHostnameAsFQDN bool
  os PodOS
  hostUsers bool
  schedulingGates []PodSchedulingGate key:name
  resourceClaims []PodResourceClaim key:name retain
  resources ResourceRequirements
type Container
  name str ! fmt:label
  image str !
  command []str
  args []str
  workingDir str
  ports []ContainerPort key:containerPort
  envFrom []EnvFromSource
  env []EnvVar key:name
  resources ResourceRequirements def:{}
  resizePolicy []ContainerResizePolicy
  restartPolicy str =Always
  volumeMounts []VolumeMount key:mountPath
  volumeDevices []VolumeDevice key:devicePath
  livenessProbe Probe
  readinessProbe Probe
  startupProbe Probe
  lifecycle Lifecycle
  terminationMessagePath str def:/dev/termination-log
  terminationMessagePolicy str =File|FallbackToLogsOnError def:File
  imagePullPolicy str =Always|IfNotPresent|Never
  securityContext SecurityContext
  stdin bool
  stdinOnce bool
  tty bool
  targetContainerName str
type ContainerPort
  name str fmt:portname
  hostPort int32 fmt:port
  containerPort int32 ! fmt:port
  protocol str =SCTP|TCP|UDP def:TCP
  hostIP str fmt:ip
type ContainerResizePolicy
  resourceName str !
  restartPolicy str !
type EnvVar
  name str ! fmt:envname
  value str
  valueFrom EnvVarSource
type EnvVarSource
  fieldRef ObjectFieldSelector
  resourceFieldRef ResourceFieldSelector
  configMapKeyRef KeySelector
  secretKeyRef KeySelector
type ObjectFieldSelector
  apiVersion str def:v1
  fieldPath str !
type ResourceFieldSelector
  containerName str
  resource str !
  divisor quantity def:"0"
type KeySelector
  name str
  key str ! fmt:configkey
  optional bool
type EnvFromSource
  prefix str fmt:envname
  configMapRef EnvSourceReference
  secretRef EnvSourceReference
type EnvSourceReference
  name str !
  optional bool
type ResourceRequirements
  limits {}quantity
  requests {}quantity
  claims []ResourceClaim
type ResourceClaim
  name str !
  request str
type VolumeMount
  name str !
  readOnly bool
  recursiveReadOnly str
  mountPath str !
  subPath str
  mountPropagation str =None|HostToContainer|Bidirectional
  subPathExpr str
type VolumeDevice
  name str !
  devicePath str !
type Probe
  exec ExecAction
  httpGet HTTPGetAction
  tcpSocket TCPSocketAction
  grpc GRPCAction
  initialDelaySeconds int32 min:0
  timeoutSeconds int32 min:0 def:1
  periodSeconds int32 min:0 def:10
  successThreshold int32 min:0 def:1
  failureThreshold int32 min:0 def:3
  terminationGracePeriodSeconds int64 min:1
type ExecAction
  command []str !
type HTTPGetAction
  path str def:/
  port intstr ! fmt:port
  host str
  scheme str =HTTP|HTTPS def:HTTP
  httpHeaders []HTTPHeader
type HTTPHeader
  name str !
  value str
type TCPSocketAction
  port intstr ! fmt:port
  host str
type GRPCAction
  port int32 ! fmt:port
  service str def:
type Lifecycle
  postStart LifecycleHandler
  preStop LifecycleHandler
type LifecycleHandler
  exec ExecAction
  httpGet HTTPGetAction
  tcpSocket TCPSocketAction
  sleep SleepAction
type SleepAction
  seconds int64 !
type SecurityContext
  capabilities Capabilities
  privileged bool
  seLinuxOptions SELinuxOptions
  windowsOptions WindowsOptions
  runAsUser int64 fmt:id
  runAsGroup int64 fmt:id
  runAsNonRoot bool
  readOnlyRootFilesystem bool
  allowPrivilegeEscalation bool
  procMount str =Default|Unmasked
  seccompProfile SecurityProfile
  appArmorProfile SecurityProfile
type PodSecurityContext
  seLinuxOptions SELinuxOptions
  windowsOptions WindowsOptions
  runAsUser int64 fmt:id
  runAsGroup int64 fmt:id
  runAsNonRoot bool
  supplementalGroups []int64 fmt:id
  supplementalGroupsPolicy str
  fsGroup int64 fmt:id
  sysctls []Sysctl
  fsGroupChangePolicy str =OnRootMismatch|Always
  seccompProfile SecurityProfile
  appArmorProfile SecurityProfile
  seLinuxChangePolicy str
type Capabilities
  add []str
  drop []str
type SELinuxOptions
  user str
  role str
  type str
  level str
type WindowsOptions
  gmsaCredentialSpecName str
  gmsaCredentialSpec str
  runAsUserName str
  hostProcess bool
type SecurityProfile
  type str ! =Localhost|RuntimeDefault|Unconfined
  localhostProfile str
type Sysctl
  name str !
  value str !
type Toleration
  key str fmt:qname
  operator str =Equal|Exists
  value str
  effect str =NoSchedule|PreferNoSchedule|NoExecute
  tolerationSeconds int64
type HostAlias
  ip str fmt:ip
  hostnames []str
type PodDNSConfig
  nameservers []str
  searches []str
  options []PodDNSConfigOption
type PodDNSConfigOption
  name str
  value str
type PodReadinessGate
  conditionType str ! fmt:qname
type PodOS
  name str ! =linux|windows
type PodSchedulingGate
  name str ! fmt:qname
type PodResourceClaim
  name str ! fmt:label
  source json
  resourceClaimName str
  resourceClaimTemplateName str
type TopologySpreadConstraint
  maxSkew int32 ! min:1
  topologyKey str ! fmt:qname
  whenUnsatisfiable str ! =DoNotSchedule|ScheduleAnyway
  labelSelector LabelSelector
  minDomains int32 min:1
  nodeAffinityPolicy str =Honor|Ignore
  nodeTaintsPolicy str =Honor|Ignore
  matchLabelKeys []str
type Affinity
  nodeAffinity NodeAffinity
  podAffinity PodAffinity
  podAntiAffinity PodAffinity
type NodeAffinity
  requiredDuringSchedulingIgnoredDuringExecution NodeSelector
  preferredDuringSchedulingIgnoredDuringExecution []PreferredSchedulingTerm
type NodeSelector
  nodeSelectorTerms []NodeSelectorTerm !
type NodeSelectorTerm
  matchExpressions []NodeSelectorRequirement
  matchFields []NodeSelectorRequirement
type NodeSelectorRequirement
  key str !
  operator str ! =In|NotIn|Exists|DoesNotExist|Gt|Lt
  values []str
type PreferredSchedulingTerm
  weight int32 ! min:1
  preference NodeSelectorTerm !
type PodAffinity
  requiredDuringSchedulingIgnoredDuringExecution []PodAffinityTerm
  preferredDuringSchedulingIgnoredDuringExecution []WeightedPodAffinityTerm
type PodAffinityTerm
  labelSelector LabelSelector
  namespaces []str
  topologyKey str ! fmt:qname
  namespaceSelector LabelSelector
  matchLabelKeys []str
  mismatchLabelKeys []str
type WeightedPodAffinityTerm
  weight int32 ! min:1
  podAffinityTerm PodAffinityTerm !
type PodStatus
  observedGeneration int64
  phase str
  conditions []PodCondition key:type
  message str
  reason str
  nominatedNodeName str
  hostIP str
  hostIPs []HostIP
  podIP str
  podIPs []PodIP key:ip
  startTime time
  initContainerStatuses []ContainerStatus
  containerStatuses []ContainerStatus
  qosClass str
  ephemeralContainerStatuses []ContainerStatus
  resize str
  resourceClaimStatuses json
type PodIP
  ip str
type HostIP
  ip str
type PodCondition
  type str !
  status str !
  observedGeneration int64
  lastProbeTime time
  lastTransitionTime time
  reason str
  message str
type ContainerStatus
  name str !
  state ContainerState
  lastState ContainerState
  ready bool
  restartCount int32
  image str
  imageID str
  containerID str
  started bool
  allocatedResources {}quantity
  resources ResourceRequirements
  volumeMounts json
  user json
type ContainerState
  waiting ContainerStateWaiting
  running ContainerStateRunning
  terminated ContainerStateTerminated
type ContainerStateWaiting
  reason str
  message str
type ContainerStateRunning
  startedAt time
type ContainerStateTerminated
  exitCode int32
  signal int32
  reason str
  message str
  startedAt time
  finishedAt time
  containerID str
)";

}  // namespace hoplab::api::schema_text
