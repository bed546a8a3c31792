"""`hoplab why`: what it says is there is there, what was taken away by hand is missing, and the command
that it prints puts it back."""

import json

import scenario

OBJECTS = """
apiVersion: v1
kind: Pod
metadata: {name: one, labels: {app: web}}
spec: {nodeName: k8s-w1, containers: [{name: c, image: traefik/whoami}]}
---
apiVersion: v1
kind: Pod
metadata: {name: two, labels: {app: web}}
spec: {nodeName: k8s-w0, containers: [{name: c, image: traefik/whoami}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {type: NodePort, selector: {app: web}, ports: [{port: 80, nodePort: 30080}]}
"""


class Why(scenario.Case):
    def start_objects(self):
        cluster = self.start()
        cluster.hoplab("kubectl", "apply", "-f", "-", input=OBJECTS)
        cluster.hoplab("kubectl", "wait", "--for=condition=Ready", "pod/one", "pod/two",
                       "--timeout=20s")
        return cluster

    def why(self, cluster, *args):
        return json.loads(cluster.hoplab("why", *args, "-o", "json").stdout)

    def missing(self, report):
        return [item for section in report["sections"] for item in section["items"]
                if item["state"] == "missing"]

    def commands(self, report):
        return "\n".join(item["command"] for section in report["sections"]
                         for item in section["items"])

    def test_present_then_missing_then_put_back(self):
        cluster = self.start_objects()
        pod = self.why(cluster, "pod", "one")
        self.assertEqual(self.missing(pod), [])
        facts = {fact["name"]: fact["value"] for fact in pod["facts"]}
        self.assertEqual(facts["node"], "k8s-w1")
        self.assertRegex(facts["IPAM handle"], r"^k8s-pod-network\.[0-9a-f]+$")
        self.assertIn("traefik/whoami", facts["container"])
        ways = [section["hosts"] for section in pod["sections"][1:]]
        self.assertEqual(sorted(ways), [["k8s-m"], ["k8s-w0"], ["k8s-w2"]])

        cluster.shell("k8s-w1", "ip", "route", "del", facts["address"])
        gone = self.missing(self.why(cluster, "pod", "one"))
        self.assertEqual(len(gone), 1, gone)
        self.assertIn(f"ip route replace {facts['address']} dev cali", gone[0]["command"])
        text = cluster.hoplab("why", "pod", "one").stdout
        self.assertIn("  missing  " + gone[0]["command"], text)
        self.assertIn("1 of ", text)
        cluster.shell("k8s-w1", "sh", "-c", gone[0]["command"])
        self.assertEqual(self.missing(self.why(cluster, "pod", "one")), [])

        self.inside_the_pod(cluster, facts)
        self.service(cluster)
        self.nodes(cluster)
        self.mistakes(cluster)

    def inside_the_pod(self, cluster, facts):
        attach = facts["namespace"].split("; ")[1].split(" gives")[0]
        netns = attach.split()[3]
        cluster.shell("k8s-w1", *attach.split())
        cluster.shell("k8s-w1", "ip", "-n", netns, "route", "del", "default")
        gone = self.missing(self.why(cluster, "pod", "one"))
        self.assertEqual([item["command"] for item in gone],
                         [f"ip -n {netns} route replace default via 169.254.1.1 dev eth0"])
        cluster.shell("k8s-w1", "sh", "-c", gone[0]["command"])
        self.assertEqual(self.missing(self.why(cluster, "pod", "one")), [])

    def service(self, cluster):
        def complete():
            report = self.why(cluster, "service", "web")
            return not self.missing(report) and "KUBE-SEP-" in self.commands(report) and report
        report = scenario.wait_until("all rules are there", complete)
        saved = cluster.shell("k8s-w2", "iptables-save", "-t", "nat").stdout
        chains = {word for word in self.commands(report).split() if word.startswith("KUBE-SEP-")}
        self.assertEqual(len(chains), 2)
        for chain in chains:
            self.assertIn(f":{chain} ", saved)
        chain = min(chains)

        def flushed():  # unless kube-proxy looked just now and put them back
            cluster.shell("k8s-w1", "iptables", "-t", "nat", "-F", chain)
            return self.missing(self.why(cluster, "service", "web"))
        gone = scenario.wait_until("the flushed rules are missing", flushed)
        self.assertTrue(all(f"-A {chain} " in item["command"] for item in gone), gone)
        self.assertEqual({item["note"] for item in gone}, {"not on k8s-w1"})

    def nodes(self, cluster):
        for host in ("k8s-w2", "k8s-rtr", "client"):
            self.assertEqual(self.missing(self.why(cluster, "node", host)), [], host)
        report = self.why(cluster, "node", "k8s-w2")
        self.assertIn("ip route replace blackhole 172.16.184.0/24 proto bird",
                      self.commands(report))
        self.assertIn("cali-nat-outgoing", self.commands(report))
        cluster.shell("k8s-rtr", "sysctl", "-qw", "net.ipv4.ip_forward=0")
        gone = self.missing(self.why(cluster, "node", "k8s-rtr"))
        self.assertEqual([item["note"] for item in gone], ["it is 0"])

    def mistakes(self, cluster):
        done = cluster.hoplab("why", "pod", "none", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("there is no pod none in namespace default\n  there are: one, two,",
                      done.stderr)
        done = cluster.hoplab("why", "frog", "x", check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("explains pod, service and node", done.stderr)
        self.assertIn("Examples", cluster.hoplab("why", "--help").stdout)


if __name__ == "__main__":
    scenario.main()
