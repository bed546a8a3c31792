"""The talk's own commands in a host's shell: calicoctl and brctl as they are printed there."""

import re

import scenario
from scenario import wait_until


class Tools(scenario.Case):
    def test_calicoctl(self):
        cluster = self.start()
        cluster.kubectl("run", "web", "--image=nginx")
        cluster.kubectl("wait", "--for=condition=Ready", "pod/web", "--timeout=120s")
        on_master = lambda command, **more: cluster.shell(  # noqa: E731
            "k8s-m", "bash", "-c", command, **more)
        self.assertIn("k8s-w1 ", on_master("hoplab kubectl get nodes").stdout)
        shown = on_master("calicoctl ipam show --show-blocks").stdout
        self.assertIn("| GROUPING |      CIDR       | IPS TOTAL | IPS IN USE |   IPS FREE   |", shown)
        self.assertRegex(shown, r"\| IP Pool  \| 172\.16\.0\.0/16   \|     65536 \| \d+ \(0%\) ")
        blocks = re.findall(r"\| Block    \| (\S+) +\|       256 \|", shown)
        self.assertEqual(blocks, ["172.16.116.0/24", "172.16.158.0/24", "172.16.184.0/24",
                                  "172.16.34.0/24"])
        self.assertNotIn("Block ", on_master("calicoctl ipam show").stdout)
        address = cluster.kubectl("get", "pod", "web", "-o", "jsonpath={.status.podIP}").stdout
        self.assertIn(f"IP {address} is in use\n",
                      on_master(f"calicoctl ipam show --ip={address}").stdout)
        # What the talk pastes: with -n there is a column NAMESPACE, so the fifth is the interface.
        listed = on_master("calicoctl get workloadEndpoint -n default | grep web | "
                           "awk '{print $5}' | cut -d / -f 1").stdout.strip()
        node = cluster.kubectl("get", "pod", "web", "-o", "jsonpath={.spec.nodeName}").stdout
        self.assertIn(f": {listed}@", cluster.shell(node, "ip", "-o", "link").stdout)
        self.assertRegex(on_master("calicoctl get workloadendpoints").stdout,
                         rf"^WORKLOAD +NODE +NETWORKS +INTERFACE *\nweb +{node} +{address}/32 +cali")
        wait_until("no address is lost or used twice", lambda: "found 0 problems." in
                   on_master("calicoctl ipam check").stdout)
        self.assertIn("Calico process is running.", on_master("calicoctl node status").stdout)
        wrong = on_master("calicoctl ipam shwo", check=False)
        self.assertEqual(wrong.returncode, 2)
        self.assertIn('no "ipam shwo"', wrong.stderr)

    def test_brctl(self):
        cluster = self.start("-f", "linux")
        linux = lambda *command, **more: cluster.shell("linux", *command, **more)  # noqa: E731
        linux("brctl", "addbr", "br0")
        linux("ip", "link", "add", "veth2", "type", "veth", "peer", "veth1")
        linux("ip", "link", "add", "veth4", "type", "veth", "peer", "veth3")
        linux("brctl", "addif", "br0", "veth2", "veth4")
        self.assertRegex(linux("brctl", "show").stdout,
                         r"bridge name\tbridge id\t\tSTP enabled\tinterfaces\n"
                         r"br0\t\t8000\.[0-9a-f]{12}\tno\t\tveth2\n\t{7}veth4\n$")
        linux("brctl", "delif", "br0", "veth2")
        self.assertNotIn("veth2", linux("brctl", "show", "br0").stdout)
        missing = linux("brctl", "addif", "br9", "veth2", check=False)
        self.assertEqual(missing.returncode, 1)
        self.assertIn("veth2", missing.stderr)
        linux("brctl", "delbr", "br0")
        self.assertEqual(linux("ip", "-o", "link", "show", "type", "bridge").stdout, "")


scenario.main()
