"""The milestone that stays green: pods on different nodes reach each other in a cluster that `up`
made, one IP header inside another on the wire, whatever is killed or deleted meanwhile."""

import json
import subprocess

import scenario

PODS = """
apiVersion: v1
kind: Pod
metadata: {name: one}
spec: {nodeName: k8s-w1, containers: [{name: c, image: nicolaka/netshoot, command: [sleep, "1000"]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: far}
spec: {nodeName: k8s-w0, containers: [{name: c, image: nicolaka/netshoot, command: [sleep, "1000"]}]}
"""
BLOCKS = {"k8s-m": "172.16.116.0/24", "k8s-w1": "172.16.158.0/24",
          "k8s-w2": "172.16.184.0/24", "k8s-w0": "172.16.34.0/24"}
ADDRESSES = {"k8s-m": "192.168.10.10", "k8s-w1": "192.168.10.101",
             "k8s-w2": "192.168.10.102", "k8s-w0": "192.168.20.100"}


def bird_routes(cluster, node):
    lines = cluster.shell(node, "ip", "route", "show", "proto", "bird").stdout.splitlines()
    # A TUN device without its process has no carrier; its routes say so and stay.
    return sorted(line.replace("linkdown", "").strip() for line in lines)


def expected_routes(node):
    # `ip route show proto bird` leaves the protocol out that it was asked for.
    out = [f"blackhole {BLOCKS[node]}"]
    for other, block in BLOCKS.items():
        if other != node:
            out.append(f"{block} via {ADDRESSES[other]} dev tunl0 onlink")
    return sorted(out)


def variant_of(cluster):
    return cluster.status()["encapsulation"]["variant"]


class Pods(scenario.Case):
    def start_pods(self):
        return self.apply_pods(self.start())

    def apply_pods(self, cluster):
        cluster.kubectl("apply", "-f", "-", input=PODS)
        cluster.kubectl("wait", "--for=condition=Ready", "pod/one", "pod/far", "--timeout=20s")
        far = cluster.kubectl("get", "pod", "far", "-o", "jsonpath={.status.podIP}").stdout
        return cluster, far

    def ping(self, cluster, address, check=True, wait=2):
        done = cluster.kubectl("exec", "one", "--", "ping", "-n", "-c", "1", "-W", str(wait),
                               address, check=check)
        return done.returncode == 0

    def assert_one_header_inside_another(self, cluster, far):
        self.assertEqual(far, "172.16.34.1")
        with subprocess.Popen(
                [cluster.hoplab_path, "--cluster", cluster.name, "shell", "k8s-w0", "--", "timeout",
                 "10", "tcpdump", "-n", "-l", "-c", "2", "-i", "eth0", "proto", "4"],
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as capture:
            lines = []

            def seen():
                self.ping(cluster, far)
                return capture.poll() is not None
            scenario.wait_until("tcpdump has seen two packets", seen, 10)
            lines = capture.stdout.read().splitlines()
        text = "\n".join(lines)
        self.assertRegex(text, r"192\.168\.10\.101 > 192\.168\.20\.100: IP 172\.16\.158\.1 > "
                               r"172\.16\.34\.1: ICMP echo request")
        self.assertRegex(text, r"192\.168\.20\.100 > 192\.168\.10\.101: IP 172\.16\.34\.1 > "
                               r"172\.16\.158\.1: ICMP echo reply")

    def assert_a_killed_tunnel_is_back_soon(self, cluster, far):
        self.assertTrue(self.ping(cluster, far))
        before = bird_routes(cluster, "k8s-w1")
        pids = cluster.shell("k8s-w1", "pgrep", "-f", "hoplab tunnel").stdout.split()
        self.assertEqual(len(pids), 1)
        cluster.shell("k8s-w1", "kill", "-9", pids[0])
        if variant_of(cluster) == "bpf":
            self.assertTrue(self.ping(cluster, far, wait=1), "the kernel goes on by itself")
        self.assertEqual(bird_routes(cluster, "k8s-w1"), before, "routes outlive the process")
        scenario.wait_until("the ping passes again",
                            lambda: self.ping(cluster, far, check=False, wait=1), 10)


class CrossNode(Pods):
    def test_one_header_inside_another(self):
        self.assert_one_header_inside_another(*self.start_pods())

    def test_a_killed_tunnel_is_back_soon(self):
        self.assert_a_killed_tunnel_is_back_soon(*self.start_pods())

    def test_the_nodes_look_like_calico(self):
        cluster, _ = self.start_pods()
        for node in BLOCKS:
            self.assertEqual(bird_routes(cluster, node), expected_routes(node), node)
        w1 = cluster.shell("k8s-w1", "ip", "route").stdout
        self.assertRegex(w1, r"172\.16\.158\.1 dev cali[0-9a-f]{11} scope link")
        address = cluster.shell("k8s-w1", "ip", "-4", "-br", "addr", "show", "tunl0").stdout
        self.assertIn("172.16.158.0/32", address)
        pod = cluster.kubectl("exec", "one", "--", "ip", "route").stdout
        self.assertEqual([line.strip() for line in pod.splitlines()],
                         ["default via 169.254.1.1 dev eth0", "169.254.1.1 dev eth0 scope link"])
        pod_addresses = json.loads(
            cluster.kubectl("exec", "one", "--", "ip", "-j", "-4", "addr", "show", "eth0").stdout)
        self.assertEqual(pod_addresses[0]["addr_info"][0]["prefixlen"], 32)
        self.assertEqual(pod_addresses[0]["mtu"], 1480)
        saved = cluster.shell("k8s-w1", "iptables-save")
        self.assertEqual(saved.stderr, "")
        self.assertNotIn("Warning", saved.stdout)
        self.assertIn('--comment "cali:6gwbT8clXdHdC1b1" -j cali-PREROUTING', saved.stdout)

    def test_outside_the_pod_network_the_node_answers_for_the_pod(self):
        cluster, _ = self.start_pods()
        self.assertTrue(self.ping(cluster, "8.8.8.8"))

    def test_deleted_routes_and_roles_come_back(self):
        cluster, far = self.start_pods()
        cluster.shell("k8s-w1", "ip", "route", "del", BLOCKS["k8s-w0"])
        scenario.wait_until("the route is back",
                            lambda: bird_routes(cluster, "k8s-w1") == expected_routes("k8s-w1"), 5)
        events = cluster.kubectl("get", "events", "-A", "-o", "json").stdout
        self.assertIn("NetworkRepaired", events)
        cluster.kubectl("delete", "pod", "-n", "kube-system", "-l", "k8s-app=calico-node",
                        "--wait=false")
        self.assertTrue(self.ping(cluster, far), "what calico-node has made stays without it")
        cluster.shell("k8s-w1", "ip", "route", "del", BLOCKS["k8s-w0"], check=False)
        scenario.wait_until("the new calico-node puts the route back",
                            lambda: bird_routes(cluster, "k8s-w1") == expected_routes("k8s-w1"), 20)
        self.assertTrue(self.ping(cluster, far))


class Variants(Pods):
    """Each way of doing IP in IP that is not the default here."""

    def check(self, variant):
        cluster = self.cluster()
        done = cluster.up("--tunnel", variant, check=False)
        if done.returncode != 0:
            self.assertIn(f"tunnel {variant}: ", done.stderr, "says what is missing")
            self.skipTest(done.stderr.strip())
        cluster, far = self.apply_pods(cluster)
        self.assertIn(variant_of(cluster), (variant, "kernel"))
        self.assert_one_header_inside_another(cluster, far)
        if variant_of(cluster) != "kernel":
            stats = json.loads(cluster.shell("k8s-w1", "hoplab", "tunnel", "--status").stdout)
            self.assertEqual(stats["variant"], variant)
            self.assertGreater(stats["out"]["packets"], 0)
            self.assertGreater(stats["in"]["packets"], 0)
            self.assert_a_killed_tunnel_is_back_soon(cluster, far)

    def test_bpf(self):
        self.check("bpf")

    def test_tun(self):
        self.check("tun")

    def test_veth(self):
        self.check("veth")


if __name__ == "__main__":
    scenario.main()
