#include "store/api/schema_text.h"

namespace hoplab::api::schema_text {

/// Volume sources that hoplab cannot mount are known fields all the same: a manifest that uses one
/// is answered by the agent ("not supported"), not by "unknown field".
const std::string_view volume = R"(
type Volume
  name str ! fmt:label
  hostPath HostPathVolumeSource
  emptyDir EmptyDirVolumeSource
  secret SecretVolumeSource
  configMap ConfigMapVolumeSource
  downwardAPI DownwardAPIVolumeSource
  projected ProjectedVolumeSource
  persistentVolumeClaim PersistentVolumeClaimVolumeSource
  ephemeral json
  nfs NFSVolumeSource
  csi CSIVolumeSource
  gcePersistentDisk json
  awsElasticBlockStore json
  gitRepo json
  iscsi json
  glusterfs json
  rbd json
  flexVolume json
  cinder json
  cephfs json
  flocker json
  fc json
  azureFile json
  vsphereVolume json
  quobyte json
  azureDisk json
  photonPersistentDisk json
  portworxVolume json
  scaleIO json
  storageos json
  image json
type HostPathVolumeSource
  path str !
  type str def:
type EmptyDirVolumeSource
  medium str
  sizeLimit quantity
type SecretVolumeSource
  secretName str !
  items []KeyToPath
  defaultMode int32 fmt:mode def:420
  optional bool
type ConfigMapVolumeSource
  name str !
  items []KeyToPath
  defaultMode int32 fmt:mode def:420
  optional bool
type KeyToPath
  key str !
  path str !
  mode int32 fmt:mode
type DownwardAPIVolumeSource
  items []DownwardAPIVolumeFile
  defaultMode int32 fmt:mode def:420
type DownwardAPIVolumeFile
  path str !
  fieldRef ObjectFieldSelector
  resourceFieldRef ResourceFieldSelector
  mode int32 fmt:mode
type ProjectedVolumeSource
  sources []VolumeProjection
  defaultMode int32 fmt:mode def:420
type VolumeProjection
  secret SecretProjection
  configMap ConfigMapProjection
  downwardAPI DownwardAPIProjection
  serviceAccountToken ServiceAccountTokenProjection
  clusterTrustBundle json
type SecretProjection
  name str !
  items []KeyToPath
  optional bool
type ConfigMapProjection
  name str !
  items []KeyToPath
  optional bool
type DownwardAPIProjection
  items []DownwardAPIVolumeFile
type ServiceAccountTokenProjection
  audience str
  expirationSeconds int64 min:600 def:3600
  path str !
type PersistentVolumeClaimVolumeSource
  claimName str !
  readOnly bool
type NFSVolumeSource
  server str !
  path str !
  readOnly bool
type CSIVolumeSource
  driver str !
  readOnly bool
  fsType str
  volumeAttributes {}str
  nodePublishSecretRef LocalObjectReference
)";

}  // namespace hoplab::api::schema_text
