#pragma once

#include <string_view>

namespace hoplab::cmd {

/// What the demo applies: pods on one node and on both sides of the router, a Deployment, a
/// ClusterIP and a NodePort service.
inline constexpr std::string_view demo_manifest = R"(apiVersion: v1
kind: Pod
metadata:
  name: red
  labels: {app: red}
spec:
  nodeName: k8s-w1
  containers:
  - name: netshoot
    image: nicolaka/netshoot
    command: ["sleep", "infinity"]
---
apiVersion: v1
kind: Pod
metadata:
  name: blue
  labels: {app: blue}
spec:
  nodeName: k8s-w1
  containers:
  - name: netshoot
    image: nicolaka/netshoot
    command: ["sleep", "infinity"]
---
apiVersion: v1
kind: Pod
metadata:
  name: near
spec:
  nodeName: k8s-w2
  containers:
  - name: netshoot
    image: nicolaka/netshoot
    command: ["sleep", "infinity"]
---
apiVersion: v1
kind: Pod
metadata:
  name: far
spec:
  nodeName: k8s-w0
  containers:
  - name: netshoot
    image: nicolaka/netshoot
    command: ["sleep", "infinity"]
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: whoami
spec:
  replicas: 3
  selector:
    matchLabels: {app: whoami}
  template:
    metadata:
      labels: {app: whoami}
    spec:
      containers:
      - name: whoami
        image: traefik/whoami
        ports:
        - containerPort: 80
---
apiVersion: v1
kind: Service
metadata:
  name: whoami
spec:
  selector: {app: whoami}
  ports:
  - port: 80
    targetPort: 80
---
apiVersion: v1
kind: Service
metadata:
  name: whoami-nodeport
spec:
  type: NodePort
  selector: {app: whoami}
  ports:
  - port: 80
    targetPort: 80
    nodePort: 30080
)";

}  // namespace hoplab::cmd
