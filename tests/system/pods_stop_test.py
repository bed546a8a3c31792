"""How pods end: hooks, grace, force, a killed agent, a silent node."""

import json
import os
import signal
import time

import scenario
from pod_case import FOREVER, Pods, command, pod, sh


class Stops(Pods):
    def test_hooks_and_grace(self):
        share = {"volumes": [{"name": "w", "hostPath": {"path": "/var/lib/hooks"}}]}
        mount = [{"name": "w", "mountPath": "/w"}]
        self.apply(pod("hooked", sh(
            f"trap 'echo term >> /w/log; exit 0' TERM; echo run >> /w/log; {FOREVER}",
            volumeMounts=mount, lifecycle={
                "postStart": {"exec": {"command": ["sh", "-c", "echo post >> /w/post"]}},
                "preStop": {"exec": {"command": ["sh", "-c", "echo pre >> /w/log"]}}}),
                       **{**share, "terminationGracePeriodSeconds": 60}))
        self.wait_ready("hooked")
        read = lambda name: self.c.shell("m", "cat", f"/var/lib/hooks/{name}", check=False).stdout
        self.wait_for("postStart ran", lambda: read("post") == "post\n")
        self.c.kubectl("delete", "pod", "hooked")
        self.assertEqual(read("log"), "run\npre\nterm\n")
        self.wait_event("hooked", "Normal", "Killing", "Stopping container c")

    def test_a_shorter_grace_counts(self):
        self.apply(pod("deaf", {"command": ["sleep", "1000"],
                                "lifecycle": {"preStop": {"exec": {"command": ["sleep", "999"]}}}},
                       terminationGracePeriodSeconds=1000))
        self.wait_ready("deaf")
        self.c.kubectl("delete", "pod", "deaf", "--wait=false")
        self.wait_for("it is asked to end", lambda: self.status_column("deaf")[1] == "Terminating")
        self.c.kubectl("delete", "pod", "deaf", "--grace-period=1")
        self.wait_gone("deaf")

    def test_force_deletion_leaves_no_process(self):
        self.apply(pod("deaf", {"command": ["sleep", "4567"]}, terminationGracePeriodSeconds=1000))
        self.wait_ready("deaf")
        self.c.kubectl("delete", "pod", "deaf", "--force", "--grace-period=0")
        self.assertIsNone(self.get("deaf"))
        self.wait_for("its process ends", lambda: not any(
            command(pid) == ["sleep", "4567", ""] for pid in
            scenario.children(self.c.state()["pid"])))

    def test_agent_killed_at_any_moment(self):
        """Of starting and of deleting pods."""
        for moment in (0, 0.03, 0.08, 0.2):
            with self.subTest(moment=moment):
                names = [f"p{number}" for number in range(6)]
                self.apply(*(pod(name, {"image": "nginx"}) for name in names))
                time.sleep(moment)
                os.kill(self.wait_for("the agent", self.agent), signal.SIGKILL)
                self.wait_ready(*names)
                self.c.kubectl("delete", "pod", *names, "--wait=false")
                time.sleep(moment)
                os.kill(self.wait_for("the agent", self.agent), signal.SIGKILL)
                for name in names:
                    self.wait_gone(name)
        self.wait_for("no link is left", lambda: len([
            line for line in self.c.shell("m", "ip", "-o", "link").stdout.splitlines()
            if ": cali" in line]) == 0)
        self.wait_for("no process is left", lambda: not any(
            "nginx" in "".join(command(pid)) for pid in
            scenario.children(self.c.state()["pid"])))


class Nodes(Pods):
    def test_a_pod_of_no_node_goes_when_it_is_deleted(self):
        """No kubelet will ever confirm: the collector of orphaned pods does it, as in Kubernetes."""
        self.apply(pod("lost", {"image": "nginx"}, nodeName="nowhere"))
        self.c.kubectl("delete", "pod", "lost")
        self.assertIsNone(self.get("lost"))

    def ready(self):
        for condition in self.get("m", "node")["status"]["conditions"]:
            if condition["type"] == "Ready":
                return condition["status"]
        return None

    def test_a_silent_node_turns_ready_again(self):
        """Its agent stands still for longer than its lease lasts, then goes on."""
        self.apply(pod("web", {"image": "nginx"}))
        self.wait_ready("web")
        agent = self.agent()
        os.kill(agent, signal.SIGSTOP)
        try:
            self.wait_for("the node is judged silent", lambda: self.ready() == "Unknown")
            self.wait_for("so is its pod", lambda: [
                c["status"] for c in self.get("web")["status"]["conditions"]
                if c["type"] == "Ready"] == ["False"])
        finally:
            os.kill(agent, signal.SIGCONT)
        self.wait_for("the node is Ready again", lambda: self.ready() == "True")
        self.wait_for("it can be used again", lambda: "unreachable" not in json.dumps(
            self.get("m", "node")["spec"]))
        self.wait_ready("web")
        self.assertEqual(self.container("web")["restartCount"], 0)


scenario.main()
