"""Random `kill -9` of server, agents, tunnels and roles while objects come and go; in the end the kernel
is exactly what the objects say, and every acknowledged write is there.

HOPLAB_CHAOS=full: 200 kills, 500 operations; unset or small: 40 and 120, part of `make test`; off: skipped, and
says so. HOPLAB_CHAOS_SEED repeats a run.
"""

import os
import random
import signal
import time

import api_client
import cluster_state
import scenario

FULL = os.environ.get("HOPLAB_CHAOS") == "full"
KILLS, OPERATIONS, PACE = (200, 500, 0.05) if FULL else (40, 120, 0.1)
SETTLE_SECONDS = 300  # only for what never settles
VICTIMS = ("server", "agent", "tunnel", "calico-node", "kube-proxy")


def victims(cluster):
    """(what it is, pid) of every process of this cluster that may be killed."""
    found = []
    for pid in scenario.children(cluster.state()["pid"])[1:]:
        words = cluster_state.command(pid)
        if len(words) > 1 and words[0].endswith("hoplab") and words[1] in VICTIMS:
            found.append((words[1], pid))
    return found


def pod_spec(image):
    return {"terminationGracePeriodSeconds": 0, "containers": [{"name": "c", "image": image}]}


class Desired:
    """Applies and deletes objects, and keeps what the server has acknowledged."""

    def __init__(self, client, choose):
        self.client = client
        self.choose = choose
        self.alive = {"pods": {}, "deployments": {}, "services": {}}
        self.gone = []
        self.most = {"pods": 24, "deployments": 6, "services": 8}
        self.number = 0
        self.wrong = []

    def step(self):
        resource = self.choose.choice(list(self.alive))
        have = self.alive[resource]
        if not have or (len(have) < self.most[resource] and self.choose.random() < 0.6):
            self.create(resource)
        elif resource != "pods" and self.choose.random() < 0.4:
            self.change(resource)
        else:
            self.delete(resource)

    def create(self, resource):
        self.number += 1
        name = f"{resource[0]}{self.number}"
        app = {"app": f"a{self.choose.randrange(4)}"}
        if resource == "pods":
            spec = pod_spec(self.choose.choice(["pause", "traefik/whoami"]))
        elif resource == "deployments":
            app["own"] = name
            spec = {"replicas": self.choose.randint(0, 3), "selector": {"matchLabels": app},
                    "template": {"metadata": {"labels": app}, "spec": pod_spec("traefik/whoami")}}
        else:
            spec = {"type": self.choose.choice(["ClusterIP", "NodePort"]), "selector": app,
                    "ports": [{"port": 80}]}
        answer = self.client.request("POST", api_client.path(resource), {
            "metadata": {"name": name, "labels": app}, "spec": spec})
        self.expect(answer, f"create {resource}/{name}", 201, 409)
        self.alive[resource][name] = spec

    def change(self, resource):
        name = self.choose.choice(sorted(self.alive[resource]))
        if resource == "deployments":
            patch = {"replicas": self.choose.randint(0, 4)}
        else:
            patch = {"selector": {"app": f"a{self.choose.randrange(4)}"}}
        answer = self.client.request("PATCH", api_client.path(resource, name), {"spec": patch})
        self.expect(answer, f"patch {resource}/{name}", 200, 200)
        self.alive[resource][name].update(patch)

    def delete(self, resource):
        name = self.choose.choice(sorted(self.alive[resource]))
        answer = self.client.request("DELETE", api_client.path(resource, name))
        self.expect(answer, f"delete {resource}/{name}", 200, 404)
        del self.alive[resource][name]
        self.gone.append((resource, name))

    def expect(self, answer, what, status, when_repeated):
        """A repeated request may find that it has been carried out already."""
        if answer.status != status and not (answer.repeated and answer.status == when_repeated):
            self.wrong.append(f"{what}: {answer.status} {answer.body.get('message')}"
                              f"{' (repeated)' if answer.repeated else ''}")

    def differences(self):
        out = list(self.wrong)
        for resource, wanted in self.alive.items():
            there = {o["metadata"]["name"]: o for o in self.client.list(resource, "default")}
            owned = {name for name, o in there.items() if o["metadata"].get("ownerReferences")}
            owned.add("kubernetes")
            for name, spec in wanted.items():
                if name not in there:
                    out.append(f"{resource}/{name} was acknowledged and is lost")
                    continue
                for field in ("replicas", "selector"):
                    if field in spec and there[name]["spec"].get(field) != spec[field]:
                        out.append(f"{resource}/{name}: {field} is {there[name]['spec'][field]}, "
                                   f"acknowledged was {spec[field]}")
            for name in there.keys() - wanted.keys() - owned:
                out.append(f"{resource}/{name} is there though its deletion was acknowledged")
        return out


class Chaos(scenario.Case):
    def test_kernel_is_desired_state_after_random_kills(self):
        if os.environ.get("HOPLAB_CHAOS") == "off":
            self.skipTest("NOT RUN: HOPLAB_CHAOS=off")
        seed = int(os.environ.get("HOPLAB_CHAOS_SEED") or random.randrange(1 << 32))
        print(f"HOPLAB_CHAOS_SEED={seed}", flush=True)
        choose = random.Random(seed)
        cluster = self.start()
        client = api_client.Client(cluster.folder + "/kubeconfig")
        self.addCleanup(client.close)
        desired = Desired(client, choose)
        killed = self.run_chaos(cluster, desired, choose)
        print(f"killed {killed}", flush=True)
        self.settle(cluster, client, desired)
        # What was killed is started again; what was not killed has not ended.
        self.assertEqual([], cluster_state.restarted_pods(client))
        self.assert_pods_answer(cluster, client)
        self.clean_up(cluster, client, desired)

    def run_chaos(self, cluster, desired, choose):
        killed = dict.fromkeys(VICTIMS, 0)
        kills_at = sorted(choose.choices(range(OPERATIONS), k=KILLS))
        for operation in range(OPERATIONS):
            while kills_at and kills_at[0] <= operation:
                kills_at.pop(0)
                kind, pid = choose.choice(scenario.wait_until("a victim", lambda: victims(cluster)))
                try:
                    os.kill(pid, signal.SIGKILL)
                    killed[kind] += 1
                except ProcessLookupError:
                    pass  # it ended by itself: the final state tells whether that was right
            desired.step()
            time.sleep(choose.random() * PACE)
        return killed

    def settle(self, cluster, client, desired):
        start = time.monotonic()
        while True:
            wrong = desired.differences() + cluster_state.differences(cluster, client)
            seconds = time.monotonic() - start
            if not wrong:
                print(f"settled after {seconds:.1f} s", flush=True)
                return
            if seconds > SETTLE_SECONDS:
                self.keep_for_study(cluster)
                self.fail(f"not settled within {SETTLE_SECONDS} s:\n" + "\n".join(wrong))
            time.sleep(0.5)

    def keep_for_study(self, cluster):
        """With HOPLAB_CHAOS_KEEP set, a cluster that went wrong stays for a person to look at."""
        if os.environ.get("HOPLAB_CHAOS_KEEP"):
            self.clusters.remove(cluster)
            print(f"kept: hoplab --cluster {cluster.name} ...", flush=True)

    def assert_pods_answer(self, cluster, client):
        """Every node reaches one pod of every node: the tunnels carry packets again."""
        targets = {pod["spec"]["nodeName"]: pod["status"]["podIP"]
                   for pod in client.list("pods", "default")}
        for host in cluster_state.NODES:
            for address in targets.values():
                cluster.ping(host, address)

    def clean_up(self, cluster, client, desired):
        """With all objects deleted nothing of them is left in the kernel or in IPAM."""
        for resource, objects in desired.alive.items():
            for name in objects:
                client.request("DELETE", api_client.path(resource, name))
            desired.alive[resource] = {}
        self.settle(cluster, client, desired)


if __name__ == "__main__":
    scenario.main()
