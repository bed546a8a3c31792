#include "store/api/schema_text.h"

namespace hoplab::api::schema_text {

const std::string_view apps = R"(
kind Deployment
  spec DeploymentSpec !
  status DeploymentStatus
type DeploymentSpec
  replicas int32 min:0 def:1
  selector LabelSelector !
  template PodTemplateSpec !
  strategy DeploymentStrategy retain def:{}
  minReadySeconds int32 min:0
  revisionHistoryLimit int32 min:0 def:10
  paused bool
  progressDeadlineSeconds int32 min:0 def:600
type DeploymentStrategy
  type str =Recreate|RollingUpdate def:RollingUpdate
  rollingUpdate RollingUpdateDeployment
type RollingUpdateDeployment
  maxUnavailable intstr fmt:percent def:25%
  maxSurge intstr fmt:percent def:25%
type DeploymentStatus
  observedGeneration int64
  replicas int32 min:0
  updatedReplicas int32 min:0
  readyReplicas int32 min:0
  availableReplicas int32 min:0
  unavailableReplicas int32 min:0
  terminatingReplicas int32 min:0
  conditions []DeploymentCondition key:type
  collisionCount int32
type DeploymentCondition
  type str !
  status str !
  lastUpdateTime time
  lastTransitionTime time
  reason str
  message str
kind ReplicaSet
  spec ReplicaSetSpec !
  status ReplicaSetStatus
type ReplicaSetSpec
  replicas int32 min:0 def:1
  minReadySeconds int32 min:0
  selector LabelSelector !
  template PodTemplateSpec
type ReplicaSetStatus
  replicas int32 min:0
  fullyLabeledReplicas int32 min:0
  readyReplicas int32 min:0
  availableReplicas int32 min:0
  terminatingReplicas int32 min:0
  observedGeneration int64
  conditions []Condition key:type
kind DaemonSet
  spec DaemonSetSpec !
  status DaemonSetStatus
type DaemonSetSpec
  selector LabelSelector !
  template PodTemplateSpec !
  updateStrategy DaemonSetUpdateStrategy def:{}
  minReadySeconds int32 min:0
  revisionHistoryLimit int32 min:0 def:10
type DaemonSetUpdateStrategy
  type str =RollingUpdate|OnDelete def:RollingUpdate
  rollingUpdate RollingUpdateDaemonSet
type RollingUpdateDaemonSet
  maxUnavailable intstr fmt:percent def:1
  maxSurge intstr fmt:percent def:0
type DaemonSetStatus
  currentNumberScheduled int32
  numberMisscheduled int32
  desiredNumberScheduled int32
  numberReady int32
  observedGeneration int64
  updatedNumberScheduled int32
  numberAvailable int32
  numberUnavailable int32
  collisionCount int32
  conditions []Condition key:type
type Scale
  apiVersion str
  kind str
  metadata ObjectMeta
  spec ScaleSpec
  status ScaleStatus
type ScaleSpec
  replicas int32 min:0
type ScaleStatus
  replicas int32
  selector str
)";

}  // namespace hoplab::api::schema_text
