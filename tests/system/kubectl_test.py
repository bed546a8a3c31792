"""The real kubectl against `hoplab server`: a control plane alone, on loopback, with a store that is
thrown away. No namespaces, no root. Runs with Debian's kubectl 1.20 (<build>/tools/kubectl) and with
the machine's own, if there is one."""

import http.client
import json
import os
import re
import shutil
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest

from control_plane import HOPLAB, Server

DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: c, image: "nginx:1", env: [{name: A, value: "1"}, {name: B, value: "2"}]}
"""
SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {type: NodePort, selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
"""
POD = """
apiVersion: v1
kind: Pod
metadata: {name: %s, labels: {app: %s}}
spec: {containers: [{name: c, image: nginx}]}
"""


def small(kind, name, **metadata):
    """A manifest of metadata only. (YAML that starts with a brace is JSON for kubectl.)"""
    return f"apiVersion: v1\nkind: {kind}\nmetadata: {json.dumps({'name': name, **metadata})}\n"


def kubectls():
    found = [os.path.join(os.path.dirname(HOPLAB), "tools", "kubectl"), shutil.which("kubectl")]
    return [k for k in found if k and os.access(k, os.X_OK)]


class KubectlCase:
    """The tests; one class per kubectl is made below."""

    kubectl = None

    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.home = tempfile.mkdtemp(prefix="hoplab-home-")
        cls.env = dict(os.environ, HOME=cls.home, KUBECONFIG=cls.server.dir + "/pki/admin.conf")
        version = subprocess.run([cls.kubectl, "version", "--client", "-o", "json"], env=cls.env,
                                 capture_output=True, text=True, check=True)
        cls.minor = int(re.match(r"\d+", json.loads(version.stdout)["clientVersion"]["minor"])[0])
        cls.run_kubectl("create", "-f", "-", stdin=small("Namespace", "default"))

    @classmethod
    def tearDownClass(cls):
        cls.server.close()
        shutil.rmtree(cls.home)

    @classmethod
    def run_kubectl(cls, *args, stdin=None, timeout=30):
        return subprocess.run([cls.kubectl, *args], env=cls.env, input=stdin, text=True,
                              capture_output=True, timeout=timeout)

    def k(self, *args, stdin=None, rc=0, timeout=30):
        """stdout (and stderr behind it when a failure is expected)."""
        p = self.run_kubectl(*args, stdin=stdin, timeout=timeout)
        self.assertEqual(p.returncode, rc, f"kubectl {' '.join(args)}\n{p.stdout}{p.stderr}")
        return p.stdout + (p.stderr if rc else "")

    def setUp(self):
        self.ns = re.sub(r"[^a-z0-9]", "-", self.id().rsplit(".", 1)[1].lower())[:40].strip("-")
        self.k("create", "-f", "-", stdin=small("Namespace", self.ns))

    def n(self, *args, **kw):
        return self.k("-n", self.ns, *args, **kw)

    def test_version_and_health(self):
        self.assertIn("v1.22.6", self.k("version"))
        self.assertEqual(self.k("get", "--raw", "/healthz"), "ok")
        self.assertIn("apps/v1", self.k("api-versions"))
        resources = self.k("api-resources")
        for word in ("po ", "svc ", "deploy ", "ippools", "crd.projectcalico.org/v1"):
            self.assertIn(word, resources)
        names = self.k("api-resources", "-o", "name", "--namespaced=false").split()
        self.assertIn("nodes", names)
        self.assertNotIn("pods", names)

    def test_get_forms(self):
        self.n("apply", "-f", "-", stdin=POD % ("a", "x"))
        self.n("apply", "-f", "-", stdin=POD % ("b", "z"))
        table = self.n("get", "pods")
        self.assertRegex(table, r"NAME +READY +STATUS +RESTARTS +AGE\na +0/1 +Pending +0 +\d+s\nb ")
        self.assertRegex(self.n("get", "po", "-o", "wide"), r"IP +NODE +NOMINATED NODE +READINESS GATES")
        self.assertEqual(self.n("get", "pods", "-o", "name"), "pod/a\npod/b\n")
        self.assertEqual(self.n("get", "pods", "-l", "app=x", "-o", "name"), "pod/a\n")
        self.assertEqual(self.n("get", "pods", "-l", "app in (x,y),app!=z", "-o", "name"), "pod/a\n")
        self.assertEqual(self.n("get", "pods", "--field-selector", "metadata.name=b", "-o", "name"), "pod/b\n")
        self.assertEqual(self.n("get", "pods", "-o", "jsonpath={.items[*].metadata.name}"), "a b")
        self.assertEqual(json.loads(self.n("get", "pod", "a", "-o", "json"))["metadata"]["name"], "a")
        self.assertIn("  name: a\n", self.n("get", "pod", "a", "-o", "yaml"))
        self.assertRegex(self.n("get", "pods", "-o", "custom-columns=N:.metadata.name,I:.spec.containers[0].image"),
                         r"N +I\na +nginx\nb +nginx")
        self.assertRegex(self.n("get", "pods", "--sort-by=.metadata.labels.app"), r"(?s)NAME.*\na .*\nb ")
        self.assertRegex(self.n("get", "pods", "--show-labels"), r"app=x")
        self.assertRegex(self.n("get", "pods", "-L", "app"), r"APP\na .* x\n")
        self.assertRegex(self.k("get", "pods", "-A"), rf"(?m)^{self.ns} +a ")
        self.assertNotIn("NAME ", self.n("get", "pods", "--no-headers"))
        self.assertRegex(self.n("get", "pods,svc"), r"pod/a ")
        self.assertRegex(self.n("get", "all"), r"pod/a ")
        self.assertIn("a", self.n("get", "--raw", f"/api/v1/namespaces/{self.ns}/pods/a"))
        self.assertEqual(self.n("get", "pods", "--chunk-size=1", "-o", "name"), "pod/a\npod/b\n")

    def test_get_nothing_and_errors(self):
        empty = self.run_kubectl("-n", self.ns, "get", "pods")
        self.assertEqual((empty.returncode, empty.stderr), (0, f"No resources found in {self.ns} namespace.\n"))
        self.assertEqual(self.n("get", "pod", "nix", rc=1), 'Error from server (NotFound): pods "nix" not found\n')
        self.assertEqual(self.n("get", "deploy", "nix", rc=1),
                         'Error from server (NotFound): deployments.apps "nix" not found\n')
        self.assertIn("the server doesn't have a resource type \"widgets\"", self.n("get", "widgets", rc=1))
        self.assertEqual(self.n("get", "pod", "nix", "--ignore-not-found"), "")
        self.assertIn("AlreadyExists", self.k("create", "-f", "-", stdin=small("Namespace", self.ns), rc=1))

    def test_apply_twice_and_change(self):
        manifest = DEPLOYMENT + "---" + SERVICE
        self.assertEqual(self.n("apply", "-f", "-", stdin=manifest),
                         "deployment.apps/web created\nservice/web created\n")
        self.assertEqual(self.n("apply", "-f", "-", stdin=manifest),
                         "deployment.apps/web unchanged\nservice/web unchanged\n")
        changed = manifest.replace("nginx:1", "nginx:2").replace(', {name: B, value: "2"}', "")
        self.assertEqual(self.n("apply", "-f", "-", stdin=changed),
                         "deployment.apps/web configured\nservice/web unchanged\n")
        container = json.loads(self.n("get", "deploy", "web", "-o", "json"))["spec"]["template"]["spec"]["containers"][0]
        self.assertEqual((container["image"], container["env"]), ("nginx:2", [{"name": "A", "value": "1"}]))
        self.assertRegex(self.n("get", "svc"), r"web +NodePort +10\.\d+\.\d+\.\d+ +<none> +80:3\d{4}/TCP")
        self.assertIn("unknown format", self.n("apply", "--server-side", "-f", "-", stdin=SERVICE, rc=1))

    def test_create_and_replace(self):
        self.assertEqual(self.n("create", "-f", "-", stdin=SERVICE), "service/web created\n")
        self.assertIn('services "web" already exists', self.n("create", "-f", "-", stdin=SERVICE, rc=1))
        service = json.loads(self.n("get", "svc", "web", "-o", "json"))
        service["metadata"]["labels"] = {"new": "1"}
        self.assertEqual(self.n("replace", "-f", "-", stdin=json.dumps(service)), "service/web replaced\n")
        self.assertIn("the object has been modified", self.n("replace", "-f", "-", stdin=json.dumps(service), rc=1))
        self.n("create", "-f", "-", stdin=small("ConfigMap", None, generateName="gen-"))
        self.assertRegex(self.n("get", "cm", "-o", "name"), r"configmap/gen-[a-z0-9]{5}\n")

    def test_create_by_generator(self):
        if self.minor >= 32:
            self.assertIn("unknown format", self.n("create", "configmap", "c", "--from-literal=a=b", rc=1))
            return
        self.assertEqual(self.n("create", "configmap", "c", "--from-literal=a=b"), "configmap/c created\n")
        self.assertEqual(self.n("get", "cm", "c", "-o", "jsonpath={.data.a}"), "b")
        self.assertEqual(self.n("create", "deployment", "d", "--image=nginx"), "deployment.apps/d created\n")
        self.assertEqual(self.n("create", "secret", "generic", "s", "--from-literal=p=q"), "secret/s created\n")
        self.assertEqual(self.n("get", "secret", "s", "-o", "jsonpath={.data.p}"), "cQ==")
        self.assertEqual(self.n("create", "sa", "robot"), "serviceaccount/robot created\n")

    def test_run_expose(self):
        self.assertEqual(self.n("run", "p", "--image=nginx"), "pod/p created\n")
        self.assertEqual(self.n("expose", "pod", "p", "--port=80"), "service/p exposed\n")
        self.assertEqual(self.n("get", "svc", "p", "-o", "jsonpath={.spec.selector.run}"), "p")

    def test_scale_label_annotate_patch(self):
        self.n("apply", "-f", "-", stdin=DEPLOYMENT)
        self.assertEqual(self.n("scale", "deploy/web", "--replicas=5"), "deployment.apps/web scaled\n")
        self.assertEqual(self.n("get", "deploy", "web", "-o", "jsonpath={.spec.replicas}"), "5")
        self.n("scale", "deploy/web", "--replicas=2", "--current-replicas=9", rc=1)
        self.n("scale", "deploy/web", "--replicas=3", "--current-replicas=5")
        self.assertEqual(self.n("get", "deploy", "web", "-o", "jsonpath={.spec.replicas}"), "3")
        self.assertEqual(self.n("label", "deploy", "web", "tier=front"), "deployment.apps/web labeled\n")
        self.assertIn("not labeled", self.n("label", "deploy", "web", "--overwrite", "tier=front"))
        self.assertIn("--overwrite is false", self.n("label", "deploy", "web", "tier=back", rc=1))
        self.n("label", "deploy", "web", "tier-")
        self.assertEqual(self.n("get", "deploy", "web", "-o", "jsonpath={.metadata.labels}").count("tier"), 0)
        self.assertEqual(self.n("annotate", "deploy", "web", "note=hi"), "deployment.apps/web annotated\n")
        patch = '{"spec":{"template":{"spec":{"containers":[{"name":"c","image":"nginx:9"}]}}}}'
        self.assertEqual(self.n("patch", "deploy", "web", "-p", patch), "deployment.apps/web patched\n")
        self.assertEqual(self.n("patch", "deploy", "web", "-p", patch), "deployment.apps/web patched (no change)\n")
        self.n("patch", "deploy", "web", "--type=json", "-p",
               '[{"op":"replace","path":"/spec/replicas","value":7}]')
        self.n("patch", "deploy", "web", "--type=merge", "-p", '{"spec":{"paused":true}}')
        got = json.loads(self.n("get", "deploy", "web", "-o", "json"))["spec"]
        self.assertEqual((got["replicas"], got["paused"]), (7, True))
        self.assertEqual(got["template"]["spec"]["containers"][0]["env"][0]["name"], "A")
        self.assertEqual(self.n("set", "image", "deploy/web", "c=nginx:10"), "deployment.apps/web image updated\n")
        self.n("patch", "deploy", "web", "--type=json", "-p", '[{"op":"test","path":"/spec/replicas","value":1}]', rc=1)

    def test_edit(self):
        self.n("apply", "-f", "-", stdin=DEPLOYMENT)
        env = dict(self.env, KUBE_EDITOR="sed -i s/nginx:1/nginx:3/")
        edited = subprocess.run([self.kubectl, "-n", self.ns, "edit", "deploy", "web"], env=env,
                                capture_output=True, text=True, timeout=30)
        self.assertEqual((edited.returncode, edited.stdout), (0, "deployment.apps/web edited\n"), edited.stderr)
        self.assertEqual(self.n("get", "deploy", "web", "-o", "jsonpath={..image}"), "nginx:3")

    def test_describe(self):
        self.n("apply", "-f", "-", stdin=DEPLOYMENT + "---" + SERVICE + "---" + POD % ("p", "p"))
        self.until(lambda: "FailedScheduling" in self.n("describe", "pod", "p"), "the scheduler's event")
        self.assertRegex(self.n("get", "events"), r"LAST SEEN +TYPE +REASON +OBJECT +MESSAGE\n.*FailedScheduling +pod/")
        self.assertRegex(self.n("describe", "deploy", "web"), r"Replicas: +2 desired")
        self.assertRegex(self.n("describe", "svc", "web"), r"NodePort: +<unset> +3\d{4}/TCP")
        self.until(lambda: self.n("get", "endpointslices", "-o", "name") != "", "the service's slice")
        self.assertRegex(self.n("describe", "endpointslices"), r"(?s)Name: +web-.*AddressType: +IPv4")
        self.assertRegex(self.k("describe", "ns", self.ns), r"Status: +Active")
        self.assertIn("NotFound", self.n("describe", "pod", "nix", rc=1))

    def test_a_replica_set_without_pods_says_why(self):
        self.n("apply", "-f", "-", stdin=DEPLOYMENT.replace("    spec:\n", "    spec:\n      serviceAccountName: nobody\n"))
        self.until(lambda: "ReplicaFailure" in self.n("describe", "deploy", "web"), "the condition")
        self.assertRegex(self.n("describe", "deploy", "web"), r"ReplicaFailure +True +FailedCreate")
        self.assertRegex(self.n("describe", "rs"), r'Error creating: pods "web-[a-z0-9]+-" is forbidden: error '
                         rf'looking up service account {self.ns}/nobody: serviceaccount "nobody" not found')

    def test_delete_waits(self):
        self.n("apply", "-f", "-", stdin=SERVICE)
        self.assertEqual(self.n("delete", "svc", "web"), 'service "web" deleted\n')
        self.n("apply", "-f", "-", stdin=POD % ("p", "p"))
        started = time.monotonic()
        self.assertIn('pod "p" ', self.n("delete", "pod", "p", "--force", "--grace-period=0"))
        self.assertLess(time.monotonic() - started, 10)
        self.n("apply", "-f", "-", stdin=POD % ("q", "q"))
        self.n("delete", "pod", "q", "--wait=false")
        # A pod that no node ever had is gone at once; nobody is there to be graceful with.
        self.assertIn("NotFound", self.n("get", "pod", "q", rc=1))
        self.assertIn("NotFound", self.n("delete", "pod", "q", rc=1))
        self.assertEqual(self.n("delete", "pod", "q", "--ignore-not-found"), "")
        for name in "abc":
            self.n("apply", "-f", "-", stdin=POD % (name, "many"))
        self.assertEqual(self.n("delete", "pods", "-l", "app=many").count("deleted"), 3)
        for name in "abc":
            self.n("apply", "-f", "-", stdin=POD % (name, "many"))
        self.assertEqual(self.n("delete", "pods", "--all").count("deleted"), 3)

    def test_owners_and_namespaces_go_with_what_they_own(self):
        self.n("apply", "-f", "-", stdin=DEPLOYMENT + "---" + SERVICE)
        self.until(lambda: self.n("get", "pods", "-o", "name").count("pod/web-") == 2, "the deployment's pods")
        self.assertRegex(self.n("get", "rs"), r"web-[a-z0-9]+ +2 +2 +0 ")
        self.assertRegex(self.n("rollout", "history", "deploy/web"), r"REVISION +CHANGE-CAUSE\n1 ")
        self.n("scale", "deploy/web", "--replicas=0")
        self.until(lambda: self.n("get", "pods", "-o", "name") == "", "the end of the pods")
        self.assertEqual(self.n("delete", "deploy", "web"), 'deployment.apps "web" deleted\n')
        self.until(lambda: self.n("get", "rs", "-o", "name") == "", "the end of the replica set")
        self.assertEqual(self.k("delete", "ns", self.ns, timeout=60), f'namespace "{self.ns}" deleted\n')
        self.assertIn("NotFound", self.n("get", "svc", "web", rc=1))

    def test_watch(self):
        self.n("apply", "-f", "-", stdin=POD % ("a", "a"))
        watch = subprocess.Popen([self.kubectl, "-n", self.ns, "get", "pods", "-w"], env=self.env,
                                 stdout=subprocess.PIPE, text=True)
        lines = []
        reader = threading.Thread(target=lambda: lines.extend(iter(watch.stdout.readline, "")))
        reader.start()
        self.until(lambda: len(lines) == 2, "the list")
        self.n("label", "pod", "a", "x=y")
        self.until(lambda: len(lines) == 3, "the change")
        self.n("apply", "-f", "-", stdin=POD % ("b", "b"))
        self.until(lambda: any(line.startswith("b ") for line in lines), "the new pod")
        watch.terminate()
        watch.wait(timeout=5)
        reader.join()
        watch.stdout.close()
        self.assertTrue(lines[0].startswith("NAME "))

    def test_wait(self):
        self.n("apply", "-f", "-", stdin=POD % ("a", "a"))
        waiting = subprocess.Popen([self.kubectl, "-n", self.ns, "wait", "--for=condition=Ready", "pod/a",
                                    "--timeout=20s"], env=self.env, stdout=subprocess.PIPE, text=True)
        time.sleep(0.5)
        self.status(f"/api/v1/namespaces/{self.ns}/pods/a",
                    {"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}})
        out, _ = waiting.communicate(timeout=10)
        self.assertEqual((waiting.returncode, out), (0, "pod/a condition met\n"))
        self.n("wait", "--for=condition=Ready=false", "pod/a", "--timeout=1s", rc=1)

    def status(self, path, patch):
        context = ssl.create_default_context(cafile=self.server.dir + "/pki/ca.crt")
        context.load_cert_chain(self.server.dir + "/pki/admin.crt", self.server.dir + "/pki/admin.key")
        c = http.client.HTTPSConnection("127.0.0.1", self.server.port, timeout=5, context=context)
        c.request("PATCH", path + "/status", json.dumps(patch), {"Content-Type": "application/merge-patch+json"})
        answer = c.getresponse()
        self.assertEqual(answer.status, 200, answer.read())
        c.close()

    def test_dry_run_and_diff(self):
        self.assertIn("created (dry run)", self.n("apply", "--dry-run=client", "-f", "-", stdin=SERVICE))
        self.assertIn("NotFound", self.n("get", "svc", "web", rc=1))
        if self.minor >= 27:
            self.assertIn("created (server dry run)", self.n("apply", "--dry-run=server", "-f", "-", stdin=SERVICE))
            self.assertIn("NotFound", self.n("get", "svc", "web", rc=1))
            self.n("apply", "-f", "-", stdin=SERVICE)
            self.n("diff", "-f", "-", stdin=SERVICE)
            self.assertIn("+  sessionAffinity: ClientIP", self.n(
                "diff", "-f", "-", stdin=SERVICE.replace("type:", "sessionAffinity: ClientIP, type:"), rc=1))

    def test_bad_manifests(self):
        def refused(manifest, *words):
            text = self.n("apply", "-f", "-", stdin=manifest, rc=1)
            for word in words:
                self.assertIn(word, text)
        refused("a: [", "yaml")
        refused(small("Widget", "a"), 'no matches for kind "Widget"')
        refused(small("ConfigMap", "Not_Valid"), "Invalid value", "metadata.name")
        refused(SERVICE.replace("port: 80,", "port: 99999,"), "spec.ports[0].port", "99999")
        refused(SERVICE.replace("targetPort: 8080", "targetPort: 8080, nodePort: 5"), "nodePort")
        refused(DEPLOYMENT.replace("matchLabels: {app: web}", "matchLabels: {app: other}"), "selector")
        if self.minor >= 27:
            refused(SERVICE.replace("type:", "typo: 1, type:"), 'unknown field "spec.typo"')
        self.assertEqual(self.n("get", "svc,deploy,cm", "--field-selector=metadata.name!=kube-root-ca.crt", "-o", "name"), "")

    def test_unknown_fields_are_warned_of(self):
        """kubectl 1.20 has no schema to look into: the server's word is all that a typing mistake gets."""
        odd = SERVICE.replace("type:", "typo: 1, type:").replace("port: 80,", "prot: TCP, port: 80,")
        warn = "--validate=false" if self.minor < 25 else "--validate=warn"
        p = self.run_kubectl("-n", self.ns, "apply", "-f", "-", warn, stdin=odd)
        self.assertEqual(p.returncode, 0, p.stderr)
        told = [line for line in p.stderr.splitlines() if line.startswith("Warning: ")]
        self.assertEqual(sorted(told), [
            'Warning: unknown field "spec.ports[0].prot"', 'Warning: unknown field "spec.typo"'])
        self.assertNotIn("typo", self.n("get", "svc", "web", "-o", "jsonpath={.spec}"))
        p = self.run_kubectl("-n", self.ns, "patch", "svc", "web", "-p", '{"spec": {"slector": {"a": "b"}}}')
        if "unknown command" not in p.stderr:  # ours has no patch
            self.assertIn('Warning: unknown field "spec.slector"\n', p.stderr)

    def test_explain_and_top_fail_politely(self):
        for args in (("explain", "pods"), ("top", "pods")):
            p = self.run_kubectl(*args)
            self.assertNotEqual(p.returncode, 0)
            self.assertNotIn("panic", p.stderr)

    def test_auth_can_i(self):
        if self.minor < 32:
            self.assertEqual(self.n("auth", "can-i", "create", "pods"), "yes\n")

    def test_cordon(self):
        self.k("create", "-f", "-", stdin=small("Node", "node-" + self.ns))
        self.assertIn("cordoned", self.k("cordon", "node-" + self.ns))
        self.assertIn("SchedulingDisabled", self.k("get", "nodes"))
        self.assertIn("uncordoned", self.k("uncordon", "node-" + self.ns))
        self.assertRegex(self.k("describe", "node", "node-" + self.ns), r"Unschedulable: +false")

    def until(self, condition, what, seconds=10):
        end = time.monotonic() + seconds
        while not condition():
            self.assertLess(time.monotonic(), end, "waited in vain for " + what)
            time.sleep(0.02)


for number, path in enumerate(kubectls()):
    globals()[f"Kubectl{number}"] = type(f"Kubectl{number}", (KubectlCase, unittest.TestCase), {"kubectl": path})

if __name__ == "__main__":
    if not kubectls():
        print("SKIPPED: no kubectl here: run cmake/fetch_kubectl.sh <build>")
    unittest.main(argv=[sys.argv[0]] + sys.argv[2:])
