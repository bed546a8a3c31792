"""Figures of a whole cluster: start, 100 pods, from an API write to every node's rules, end, memory.

    python3 -B tests/bench/cluster_bench.py HOPLAB [ROUNDS]

Prints the machine's description and one line per figure: median, least, most. Memory is PSS, so
that pages shared by our processes count once. Never pass or fail: read the numbers.
"""

import base64
import http.client
import json
import os
import ssl
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "system"))
import scenario  # noqa: E402

WORKERS = ["k8s-m", "k8s-w1", "k8s-w2", "k8s-w0"]


class Api:
    """The cluster's API with the admin's certificate, on one kept-alive connection."""

    def __init__(self, kubeconfig):
        with open(kubeconfig, encoding="utf-8") as file:
            lines = [line.strip() for line in file]
        value = {line.split(": ", 1)[0].lstrip("- "): line.split(": ", 1)[1]
                 for line in lines if ": " in line}
        context = ssl.create_default_context(
            cadata=base64.b64decode(value["certificate-authority-data"]).decode())
        with tempfile.NamedTemporaryFile() as pair:
            pair.write(base64.b64decode(value["client-certificate-data"]))
            pair.write(base64.b64decode(value["client-key-data"]))
            pair.flush()
            context.load_cert_chain(pair.name)
        host, port = value["server"].removeprefix("https://").split(":")
        self.connection = http.client.HTTPSConnection(host, int(port), context=context, timeout=30)

    def __call__(self, method, path, body=None, kind="application/json"):
        self.connection.request(method, path, json.dumps(body) if body is not None else None,
                                {"Content-Type": kind})
        answer = self.connection.getresponse()
        data = json.loads(answer.read() or b"null")
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {data}")
        return data


def deployment(name, replicas):
    labels = {"app": name}
    container = {"name": "c", "image": "traefik/whoami", "ports": [{"containerPort": 80}]}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
            "spec": {"replicas": replicas, "selector": {"matchLabels": labels},
                     "template": {"metadata": {"labels": labels},
                                  "spec": {"containers": [container]}}}}


def ready_pods(api, label):
    pods = api("GET", f"/api/v1/namespaces/default/pods?labelSelector=app%3D{label}")["items"]
    return sum(1 for pod in pods for c in pod.get("status", {}).get("conditions", [])
               if c["type"] == "Ready" and c["status"] == "True")


def pss_mb(pids):
    total = {}
    for pid in pids:
        try:
            with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
                kib = next(int(line.split()[1]) for line in file if line.startswith("Pss:"))
            with open(f"/proc/{pid}/cmdline", encoding="utf-8") as file:
                words = file.read().split("\0")
        except (OSError, StopIteration):
            continue
        name = next((w for w in words[1:] if w and not w.startswith("-")), words[0])
        ours = "hoplab" in words[0]
        total.setdefault(name if ours else words[0].split(":")[0] or "other", []).append(kib / 1024)
    return total


class RulesWatchers:
    """One listener to the kernel's rule events in every node; they run before anything is measured."""

    def __init__(self, cluster):
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "rules_watch.py")
        self.nodes = [subprocess.Popen(
            [cluster.hoplab_path, "--cluster", cluster.name, "shell", node, "--", "python3", script],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for node in WORKERS]
        for node in self.nodes:
            assert node.stdout.readline() == "ready\n"

    def expect(self, marker):
        for node in self.nodes:
            node.stdin.write(marker + "\n")
            node.stdin.flush()

    def last(self):
        """When the last node had it."""
        return max(float(node.stdout.readline().split()[1]) for node in self.nodes)

    def close(self):
        for node in self.nodes:
            node.stdin.close()
            node.wait()
            node.stdout.close()


def rules_latency(cluster, api, rounds):
    """From the request for a service with three endpoints until every node's rules lead to them."""
    api("POST", "/apis/apps/v1/namespaces/default/deployments", deployment("few", 3))
    scenario.wait_until("3 pods Ready", lambda: ready_pods(api, "few") == 3, 60)
    watchers = RulesWatchers(cluster)
    out = []
    for i in range(rounds):
        watchers.expect(f"default/bench-{i}:web")
        time.sleep(0.3)  # idle
        began = time.monotonic()
        api("POST", "/api/v1/namespaces/default/services", {
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": f"bench-{i}"},
            "spec": {"selector": {"app": "few"}, "ports": [{"name": "web", "port": 80}]}})
        out.append((watchers.last() - began) * 1000)
    watchers.close()
    return out


def show(what, values, unit):
    print(f"{what:44} {statistics.median(values):9.1f} {unit:3}"
          f"  (least {min(values):.1f}, most {max(values):.1f}, {len(values)} runs)", flush=True)


def main():
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    uname = os.uname()
    print(f"machine: {os.cpu_count()} cores, {uname.sysname} {uname.release}, "
          f"uid {os.geteuid()}, load {os.getloadavg()[0]:.1f}")
    ups, pods, downs, rules, memory = [], [], [], [], {}
    for _ in range(rounds):
        cluster = scenario.Cluster()
        began = time.monotonic()
        cluster.up()
        ups.append((time.monotonic() - began) * 1000)
        try:
            memory = pss_mb(scenario.children(cluster.state()["pid"]))
            api = Api(cluster.folder + "/kubeconfig")
            rules += rules_latency(cluster, api, 10)
            began = time.monotonic()
            api("POST", "/apis/apps/v1/namespaces/default/deployments", deployment("bench", 100))
            scenario.wait_until("100 pods Ready", lambda: ready_pods(api, "bench") == 100, 60)
            pods.append((time.monotonic() - began) * 1000)
        finally:
            began = time.monotonic()
            cluster.down()
            downs.append((time.monotonic() - began) * 1000)
    show("up: all nodes Ready, system pods Running", ups, "ms")
    show("100 pods, apply to all Ready, 4 nodes", pods, "ms")
    show("API write until every node's rules changed", rules, "ms")
    show("down with 100 pods", downs, "ms")
    for name, sizes in sorted(memory.items()):
        show(f"memory of {name} (PSS, {len(sizes)} processes)", sizes, "MB")
    print(f"{'memory of the default cluster (PSS)':44} "
          f"{sum(sum(s) for s in memory.values()):9.1f} MB")
    print(f"{'executable, stripped':44} {stripped_size():9.1f} MB")


def stripped_size():
    with tempfile.NamedTemporaryFile() as copy:
        scenario.run("strip", "-o", copy.name, scenario.HOPLAB)
        return os.path.getsize(copy.name) / 1e6


main()
