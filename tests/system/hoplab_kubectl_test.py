"""`hoplab kubectl` against `hoplab server` on loopback: the cases that the real kubectl passes, and a
comparison of both programs' output and exit codes, word for word, where the real one is there."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import unittest

import kubectl_test
import kubectl_words
from completion import complete
from control_plane import HOPLAB
from kubectl_test import DEPLOYMENT, POD, SERVICE, small

OWN = os.path.join(tempfile.mkdtemp(prefix="hoplab-own-kubectl-"), "kubectl")
os.symlink(HOPLAB, OWN)

RICH_POD = """
apiVersion: v1
kind: Pod
metadata:
  name: rich
  labels: {app: rich, tier: front}
  annotations: {note: hello}
spec:
  nodeName: node-a
  nodeSelector: {disk: ssd}
  containers:
  - name: c
    image: nginx
    command: [sh, -c, "sleep 10"]
    ports: [{containerPort: 80, name: http}, {containerPort: 81}]
    env:
    - {name: A, value: "1"}
    - {name: IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}
    - {name: ME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
    - {name: CM, valueFrom: {configMapKeyRef: {name: conf, key: k}}}
    resources: {limits: {cpu: 100m, memory: 64Mi}, requests: {cpu: 50m}}
    readinessProbe: {httpGet: {path: /, port: 80}}
    livenessProbe: {exec: {command: ["true"]}, initialDelaySeconds: 3}
    volumeMounts: [{name: v, mountPath: /data}, {name: cfg, mountPath: /cfg, readOnly: true}]
  - {name: d, image: busybox, args: [a, b]}
  initContainers: [{name: i, image: busybox}]
  volumes:
  - {name: v, emptyDir: {}}
  - {name: cfg, configMap: {name: conf}}
  - {name: h, hostPath: {path: /x}}
"""
STATUS = {"status": {
    "phase": "Running", "hostIP": "127.0.0.1", "podIP": "172.16.1.2", "podIPs": [{"ip": "172.16.1.2"}],
    "startTime": "2026-01-02T03:04:05Z", "qosClass": "Burstable",
    "conditions": [{"type": "Ready", "status": "True"}, {"type": "PodScheduled", "status": "True"}],
    "containerStatuses": [
        {"name": "c", "image": "nginx", "imageID": "x", "containerID": "hop://1", "ready": True, "restartCount": 2,
         "state": {"running": {"startedAt": "2026-01-02T03:04:06Z"}},
         "lastState": {"terminated": {"exitCode": 3, "reason": "Error", "startedAt": "2026-01-02T03:04:05Z",
                                      "finishedAt": "2026-01-02T03:04:06Z"}}},
        {"name": "d", "image": "busybox", "imageID": "", "ready": False, "restartCount": 0,
         "state": {"waiting": {"reason": "CrashLoopBackOff"}}}]}}
NODE = small("Node", "node-a", labels={"node-role.kubernetes.io/worker": ""})
NODE_STATUS = {"status": {
    "capacity": {"cpu": "2", "memory": "4Gi"}, "allocatable": {"cpu": "2", "memory": "4Gi"},
    "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
    "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "ready",
                    "lastHeartbeatTime": "2026-01-02T03:04:05Z", "lastTransitionTime": "2026-01-02T03:04:05Z"}]}}


class OwnKubectl(kubectl_test.KubectlCase, unittest.TestCase):
    """The same cases, with our client. Verbs that it has not are left out by name."""

    kubectl = OWN
    test_create_by_generator = None
    test_run_expose = None
    test_edit = None
    test_auth_can_i = None
    test_cordon = None
    test_dry_run_and_diff = None
    test_scale_label_annotate_patch = None

    def test_scale_and_label(self):
        self.n("apply", "-f", "-", stdin=DEPLOYMENT)
        self.assertEqual(self.n("scale", "deploy/web", "--replicas=5"), "deployment.apps/web scaled\n")
        self.assertEqual(self.n("scale", "deploy/web", "--replicas=2", "--current-replicas=9", rc=1),
                         "error: Expected replicas to be 9, was 5\n")
        self.n("scale", "deploy/web", "--replicas=3", "--current-replicas=5")
        self.assertEqual(self.n("get", "deploy", "web", "-o", "jsonpath={.spec.replicas}"), "3")
        self.assertEqual(self.n("label", "deploy", "web", "tier=front"), "deployment.apps/web labeled\n")
        self.assertIn("not labeled", self.n("label", "deploy", "web", "--overwrite", "tier=front"))
        self.assertIn("--overwrite is false", self.n("label", "deploy", "web", "tier=back", rc=1))
        self.n("label", "deploy", "web", "tier-")
        self.assertEqual(self.n("get", "deploy", "web", "-o", "jsonpath={.metadata.labels}").count("tier"), 0)
        self.assertEqual(self.n("annotate", "deploy", "web", "note=hi"), "deployment.apps/web annotated\n")

    def test_dry_runs(self):
        self.assertEqual(self.n("apply", "--dry-run=client", "-f", "-", stdin=SERVICE),
                         "service/web created (dry run)\n")
        self.assertEqual(self.n("apply", "--dry-run=server", "-f", "-", stdin=SERVICE),
                         "service/web created (server dry run)\n")
        self.assertIn("NotFound", self.n("get", "svc", "web", rc=1))

    def test_help_of_every_verb(self):
        overview = self.k("--help")
        verbs = [line.split()[0] for line in overview.split("Verbs:\n")[1].split("\n\n")[0].splitlines()]
        self.assertGreater(len(verbs), 15)
        for verb in verbs:
            self.assertIn("Examples:\n  ", self.k(verb, "--help"), verb)

    def test_a_directory_and_one_wrong_document(self):
        with tempfile.TemporaryDirectory() as folder:
            for name, text in (("b.yaml", SERVICE), ("a.yml", POD % ("a", "a")), ("ignored.txt", "{")):
                with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                    file.write(text)
            self.assertEqual(self.n("apply", "-f", folder), "pod/a created\nservice/web created\n")
            out = self.n("apply", "-f", "-", stdin=small("Widget", "x") + "---" + POD % ("c", "c"), rc=1)
            self.assertIn("pod/c created", out)
            self.assertIn('no matches for kind "Widget"', out)
            self.n("delete", "-f", folder)
            self.assertEqual(self.n("get", "pods", "-o", "name"), "pod/c\n")

    def test_kustomizations_and_addresses_are_refused(self):
        for verb in ("apply", "create", "delete", "label"):
            self.assertIn("builds no kustomizations", self.n(verb, "-k", "folder", rc=1))
            out = self.n(verb, "-f", "http://127.0.0.1:1/pod.yaml", *["a=b"] * (verb == "label"), rc=1)
            self.assertIn(f"curl -fsSL http://127.0.0.1:1/pod.yaml | hoplab kubectl {verb} -f -", out)

    def test_completion(self):
        self.n("apply", "-f", "-", stdin=POD % ("filed", "filed") + "---" + DEPLOYMENT)
        proposed = lambda *words: complete(HOPLAB, "kubectl", *words, env=self.env)
        self.assertIn("kubectl", complete(HOPLAB, "ku", env=self.env))
        self.assertEqual(proposed("des"), ["describe"])
        self.assertEqual(proposed("rollout", "pa"), ["pause"])
        self.assertIn("deployments.apps", proposed("get", "de"))
        self.assertEqual(proposed("-n", self.ns, "get", "pods", "fil"), ["filed"])
        self.assertEqual(proposed("logs", "-n", self.ns, "fil"), ["filed"])
        self.assertEqual(proposed("rollout", "status", "-n", self.ns, "dep"), ["deployment.apps/web"])
        self.assertEqual(proposed("get", "-n", "kube-n"), ["kube-node-lease"])
        self.assertEqual(proposed("apply", "-f", "fil"), [])  # bash proposes files itself.
        self.assertIn("--field-selector", proposed("get", "--fi"))

    def test_no_server(self):
        p = subprocess.run([OWN, "--kubeconfig", "/nonexistent", "get", "pods"], capture_output=True, text=True,
                           timeout=10)
        self.assertEqual((p.returncode, p.stdout), (1, ""))
        self.assertIn("error: ", p.stderr)


@unittest.skipUnless(kubectl_test.kubectls(), "SKIPPED: no real kubectl: run cmake/fetch_kubectl.sh <build>")
class SameAsKubectl(kubectl_test.KubectlCase, unittest.TestCase):
    """Both programs on the same objects: the same standard output, errors and exit codes."""

    maxDiff = None
    kubectl = (kubectl_test.kubectls() or [None])[0]

    def setUp(self):
        super().setUp()
        self.n("apply", "-f", "-", stdin=DEPLOYMENT + "---" + SERVICE + "---" + RICH_POD)
        self.n("apply", "-f", "-", stdin=small("ConfigMap", "conf") + 'data: {k: "v"}\n')
        self.until(lambda: self.n("get", "pods", "-l", "app=web", "-o", "name").count("pod/") == 2, "the pods")
        self.status(f"/api/v1/namespaces/{self.ns}/pods/rich", STATUS)

    def same(self, *args, cwd=None):
        running = [subprocess.Popen([program, "-n", self.ns, *args], env=self.env, cwd=cwd, text=True,
                                    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                   for program in (self.kubectl, OWN)]
        results = []
        for process in running:
            out, err = process.communicate(timeout=30)
            # The clock goes on between the two.
            out = re.sub(r"\b\d+s( +)", "AGE ", out.replace("\n", " \n"))
            if "--list" in args:  # The real one prints in the order of Go's maps: any.
                out = sorted(out.splitlines())
            results.append((out, err, process.returncode))
        self.assertEqual(results[0], results[1], " ".join(args))

    def test_get(self):
        for args in (
                "pods", "pods -A", "pods -o wide", "pods,svc", "all", "pod rich nix", "pod/rich svc/web deploy/nix",
                "pods --show-labels", "pods -L app,tier", "pods -l app=rich", "pods -l app=nix", "all -o name",
                "pods --no-headers", "pod rich -o json", "pod rich -o yaml", "svc -o json", "deploy web -o yaml",
                "pods -o jsonpath={.items[*].metadata.labels}", "pods --sort-by=.metadata.name -o name",
                "pods --sort-by={.metadata.labels.app}", "pods --field-selector spec.nodeName=node-a -o name",
                "pod rich -o custom-columns=N:.metadata.name,C:.spec.containers[*].name,X:.x,L:.metadata.labels",
                "pod rich -o jsonpath={.spec.containers[?(@.name==\"d\")].args}", "foo", "pods -o foo", "pod rich -A",
                "ns", "ippools", "pod/rich/x", "pod pod/rich", "--raw /version", "--raw /nix", "pods --nix", "pods -n",
                "nodes nix", "endpoints", "svc web -o wide"):
            with self.subTest(args=args):
                self.same("get", *args.split(" "))

    def test_describe(self):
        self.k("apply", "-f", "-", stdin=NODE)
        self.status("/api/v1/nodes/node-a", NODE_STATUS)
        for what in ("pod/rich", "svc/web", "deploy/web", "cm/conf", "rs", "ns/" + self.ns, "node/node-a",
                     "pod nix", "pod ri", "foo", "ds", "endpoints/web"):
            with self.subTest(what=what):
                self.same("describe", *what.split(" "))

    def test_others(self):
        for args in ("api-resources", "api-resources -o name", "api-versions", "config view", "config current-context",
                     "config get-contexts", "top nodes", "logs", "exec", "exec rich", "delete", "delete pod",
                     "describe", "label pod", "scale deploy/web", "rollout status", "delete pod nix",
                     "label pod rich app=other", "rollout history deploy/web", "logs rich", "logs nix"):
            with self.subTest(args=args):
                self.same(*args.split(" "))

    def test_words(self):
        """kubectl_words.py: mostly what is wrong with a command line."""
        with tempfile.TemporaryDirectory() as folder:
            for name, text in kubectl_words.FILES.items():
                path = os.path.join(folder, name)
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, "w", encoding="utf-8") as file:
                    file.write(text)
            for line in kubectl_words.LINES.split("\n"):
                if line:
                    with self.subTest(line=line):
                        self.same(*shlex.split(line), cwd=folder)

    def test_either_may_apply_what_the_other_applied(self):
        for program in (OWN, self.kubectl, OWN):
            p = subprocess.run([program, "-n", self.ns, "apply", "-f", "-"], env=self.env, text=True,
                               input=DEPLOYMENT + "---" + SERVICE, capture_output=True, timeout=30)
            self.assertEqual(p.stdout, "deployment.apps/web unchanged\nservice/web unchanged\n", p.stderr)


# Only the comparisons: the cases themselves are kubectl_test.py's with this program.
for name in dir(kubectl_test.KubectlCase):
    if name.startswith("test_") and name not in SameAsKubectl.__dict__:
        setattr(SameAsKubectl, name, None)

if __name__ == "__main__":
    try:
        unittest.main(argv=[sys.argv[0]] + sys.argv[2:])
    finally:
        shutil.rmtree(os.path.dirname(OWN))
