"""Sandboxes of ordinary users."""

import os
import shutil
import subprocess
import tempfile
import unittest

import scenario

# Where Kubernetes is not the subject: what the hosts run need not be ready.
UP = ("--no-wait",)

# Two pods on two nodes and a service in front of them.
PODS = """
{apiVersion: v1, kind: Pod, metadata: {name: near, labels: {app: web}}, spec: {nodeName: k8s-w1, containers: [{name: c, image: traefik/whoami}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: far, labels: {app: web}}, spec: {nodeName: k8s-w0, containers: [{name: c, image: traefik/whoami}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {selector: {app: web}, ports: [{port: 80}]}}
"""


@unittest.skipUnless(os.geteuid() == 0, "only root can become another user")
class OtherUsers(scenario.Case):
    """As an ordinary user whom /etc/subuid does not know: a user namespace with a single id."""

    UID = 64123

    def setUp(self):
        super().setUp()
        self.place = tempfile.mkdtemp(prefix="hoplab-user-")
        self.addCleanup(shutil.rmtree, self.place, True)
        os.chmod(self.place, 0o755)
        self.binary = shutil.copy(scenario.HOPLAB, self.place + "/hoplab")
        os.mkdir(self.place + "/runtime", 0o700)
        os.chown(self.place + "/runtime", self.UID, self.UID)

    def hoplab(self, *args, check=True, session=True, **more):
        def become():
            os.setgroups([])
            os.setgid(self.UID)
            os.setuid(self.UID)
        env = {"PATH": os.environ["PATH"], "XDG_RUNTIME_DIR": self.place + "/runtime",
               "HOPLAB_CLUSTER": "solo", "HOME": self.place}
        if not session:
            del env["XDG_RUNTIME_DIR"]
        return scenario.run(self.binary, *args, preexec_fn=become, env=env, check=check,
                            cwd=self.place, **more)

    def exec(self, pod, *command):
        return self.hoplab("kubectl", "exec", pod, "--", *command).stdout

    def test_single_id(self):
        self.hoplab("up", *UP)
        try:
            self.assertEqual(self.hoplab("shell", "k8s-w1", "--", "cat", "/proc/self/uid_map")
                             .stdout.split(), ["0", str(self.UID), "1"])
            self.hoplab("shell", "k8s-w1", "--", "ping", "-c1", "-W2", "192.168.20.100")
            self.hoplab("shell", "client", "--", "ping", "-c1", "-W2", "192.168.10.10")
        finally:
            self.hoplab("down")
        self.assertEqual(os.listdir(self.place + "/runtime"), [])

    def test_found_from_another_session(self):
        """Started without XDG_RUNTIME_DIR, as by cron or su; ended from a login session."""
        place = f"/tmp/hoplab-{self.UID}"
        self.hoplab("up", "-f", "linux", session=False)
        try:
            self.assertIn("solo", self.hoplab("list").stdout)
            self.assertIn("cluster solo is up", self.hoplab("status").stdout)
            self.assertIn("already up", self.hoplab("up", "-f", "linux").stdout)
        finally:
            ended = self.hoplab("down")
        self.assertEqual(ended.stdout, "cluster solo is down\n")
        self.assertFalse(os.path.exists(place))
        again = self.hoplab("down").stdout
        self.assertIn(f"looked in {self.place}/runtime/hoplab", again)

    def test_pods_with_a_single_id(self):
        """Pods of every kind: system pods, pods with networks, their tunnel and their service."""
        self.hoplab("up")
        try:
            self.hoplab("kubectl", "apply", "-f", "-", input=PODS)
            self.hoplab("kubectl", "wait", "--for=condition=Ready", "pod", "--all", "--timeout=60s")
            self.assertEqual(self.exec("near", "cat", "/proc/self/uid_map").split(),
                             ["0", str(self.UID), "1"])
            address = self.hoplab("kubectl", "get", "pod", "far", "-o",
                                  "jsonpath={.status.podIP}").stdout
            self.exec("near", "ping", "-c1", "-W5", address)
            service = self.hoplab("kubectl", "get", "service", "web", "-o",
                                  "jsonpath={.spec.clusterIP}").stdout
            names = {"near", "far"}
            scenario.wait_until("both pods answer for the service", lambda: names.discard(
                self.exec("near", "curl", "-s", "http://" + service).split()[1]) or not names)
            self.hoplab("kubectl", "delete", "pod", "near", "far")
        finally:
            self.hoplab("down")
        self.assertEqual(os.listdir(self.place + "/runtime"), [])

    def test_gate_is_named(self):
        """No user namespaces left for this user: the error says which setting and how to repair."""
        with open("/proc/sys/user/max_user_namespaces", encoding="ascii") as file:
            if int(file.read()) == 0:
                self.skipTest("user namespaces are switched off here")
        # In a user namespace of our own the limit can be set without touching the computer.
        keeper = subprocess.Popen(["unshare", "-U", "sleep", "60"])
        try:
            scenario.wait_until("the user namespace is there", lambda: os.readlink(
                f"/proc/{keeper.pid}/ns/user") != os.readlink("/proc/self/ns/user"))
            for name in ("uid_map", "gid_map"):
                with open(f"/proc/{keeper.pid}/{name}", "w", encoding="ascii") as file:
                    file.write("0 0 65000")
            done = scenario.run(
                "nsenter", "-t", str(keeper.pid), "-U", "-S", "0", "-G", "0", "sh", "-c",
                "echo 0 > /proc/sys/user/max_user_namespaces && exec setpriv --reuid "
                f"{self.UID} --regid {self.UID} --clear-groups {self.binary} up", check=False,
                env={"PATH": os.environ["PATH"], "HOPLAB_CLUSTER": "gate",
                     "XDG_RUNTIME_DIR": self.place + "/runtime"})
        finally:
            keeper.kill()
            keeper.wait()
        self.assertEqual(done.returncode, 1)
        self.assertIn("user namespaces are switched off", done.stderr)
        self.assertIn("repair: sudo sysctl -w user.max_user_namespaces=", done.stderr)
        self.assertEqual(os.listdir(self.place + "/runtime"), [])


scenario.main()
