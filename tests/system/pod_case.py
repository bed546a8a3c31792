"""What the scenarios about single pods share: a cluster of one node, pods as values, and waiting."""

import json
import tempfile

import scenario

# One node that is its own control plane: enough for a kubelet's work.
CLUSTER = """
nodeLeaseDurationSeconds: 4
segments: [{name: lan, network: 192.168.1.0/24}]
hosts:
- {name: m, role: control-plane, interfaces: [{segment: lan, address: 192.168.1.1}]}
"""


def pod(name, *containers, **spec):
    for number, container in enumerate(containers):
        container.setdefault("name", f"c{number}" if number else "c")
        container.setdefault("image", "busybox")
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
            "spec": {"containers": list(containers), "terminationGracePeriodSeconds": 1, **spec}}


def sh(script, **more):
    return {"command": ["sh", "-c", script], **more}


FOREVER = "sleep 1000 & wait"  # a shell that is pid 1 ends on SIGTERM only when told to


class Pods(scenario.Case):
    def setUp(self):
        super().setUp()
        self.c = self.cluster()
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write(CLUSTER)
            file.flush()
            self.c.up("-f", file.name)

    def apply(self, *objects):
        self.c.kubectl("apply", "-f", "-", input=json.dumps(
            {"apiVersion": "v1", "kind": "List", "items": list(objects)}))

    def get(self, name, kind="pod"):
        done = self.c.kubectl("get", kind, name, "-o", "json", check=False)
        return json.loads(done.stdout) if done.returncode == 0 else None

    def container(self, name, container="c"):
        status = (self.get(name) or {}).get("status", {})
        for each in status.get("containerStatuses", []) + status.get("initContainerStatuses", []):
            if each["name"] == container:
                return each
        return {"state": {}, "lastState": {}, "restartCount": 0, "ready": False}

    def wait_for(self, what, condition):
        return scenario.wait_until(what, condition)

    def wait_state(self, name, state, reason, container="c"):
        return self.wait_for(f"{name} is {state} {reason}", lambda: self.container(
            name, container)["state"].get(state, {}).get("reason") == reason and
            self.container(name, container)["state"][state])

    def wait_ready(self, *names):
        self.c.kubectl("wait", "--for=condition=Ready", *(f"pod/{n}" for n in names),
                       "--timeout=120s")

    def wait_gone(self, name):
        self.wait_for(f"{name} is gone", lambda: self.get(name) is None)

    def exec(self, name, *command, container="c", check=True):
        return self.c.kubectl("exec", name, "-c", container, "--", *command, check=check).stdout

    def event_objects(self, name):
        return json.loads(self.c.kubectl(
            "get", "events", "--field-selector", f"involvedObject.name={name}", "-o",
            "json").stdout)["items"]

    def events(self, name):
        return {(e["type"], e["reason"], e["message"]) for e in self.event_objects(name)}

    def times(self, name, words):
        """How often events with these words in their message occurred."""
        return sum(e["count"] for e in self.event_objects(name) if words in e["message"])

    def wait_event(self, name, *event):
        self.wait_for(f"event {event}", lambda: event in self.events(name))

    def status_column(self, name):
        line = self.c.kubectl("get", "pod", name, "--no-headers").stdout.split()
        return line[1], line[2]

    def agent(self):
        pids = [pid for pid in scenario.children(self.c.state()["pid"]) if command(pid)[1:2] ==
                ["agent"]]
        return pids[0] if pids else None


def command(pid):
    try:
        with open(f"/proc/{pid}/cmdline", encoding="utf-8") as file:
            return file.read().split("\0")
    except OSError:
        return []
