"""`hoplab up --dry-run` and `-v`: what they print can be typed, and does what it says."""

import os
import shutil
import subprocess
import tempfile
import unittest

import scenario

# All namespaces end with the shell, so the computer keeps nothing of it.
BY_HAND = ("unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh",
           "-ec", "mount -t tmpfs none /run; mkdir -p /run/netns; . \"$0\"")

QUESTIONS = """
sleep 0.3
ip netns exec client ping -c1 -W5 192.168.10.101
ip netns exec k8s-w1 ping -c3 -i0.3 -W5 172.16.184.0
ip netns exec k8s-w1 ping -c3 -i0.3 -W5 172.16.34.0
ip netns exec k8s-w1 ip route
ip netns exec k8s-w1 iptables-save -t nat
"""


class Plan(scenario.Case):
    def test_lists_hosts_then_nodes_and_changes_nothing(self):
        printed = scenario.run(scenario.HOPLAB, "up", "--dry-run").stdout
        commands = [line for line in printed.splitlines() if line and not line.startswith("#")]
        self.assertTrue(commands[0].startswith("ip netns add "), commands[0])
        place = [printed.index(part) for part in (
            "ip netns add k8s-w1", "ip -n k8s-w1 addr add 192.168.10.101/24",
            "ip -n k8s-w1 addr add 172.16.158.0/32 dev tunl0",
            "ip -n k8s-w1 route replace 172.16.184.0/24 via 192.168.10.102 dev tunl0",
            "ip netns exec k8s-w1 iptables -t nat -N cali-nat-outgoing",
            "ip netns exec k8s-w1 iptables -t nat -N KUBE-SERVICES")]
        self.assertEqual(place, sorted(place))
        for before, after in zip(printed.splitlines(), printed.splitlines()[1:]):
            if after.startswith(("ip ", "sysctl ")) and " iptables " not in after:
                self.assertRegex(before, "^(# |ip netns exec .* hoplab tunnel|until )",
                                 f"no reason for {after}")

    def test_linux_has_no_nodes(self):
        printed = scenario.run(scenario.HOPLAB, "up", "-f", "linux", "--dry-run").stdout
        self.assertIn("ip netns add linux", printed)
        self.assertNotIn("iptables -", printed)
        self.assertNotIn("tunl0", printed)

    def test_verbose_prints_the_same_commands(self):
        dry = scenario.run(scenario.HOPLAB, "up", "--dry-run").stdout
        cluster = self.cluster()
        done = cluster.up("-v", "--no-wait", "-f", "k8s")
        told = {line.strip() for line in (done.stdout + done.stderr).splitlines()}
        wanted = [line for line in dry.splitlines() if line.startswith(("ip ", "sysctl "))]
        self.assertEqual([line for line in wanted if line not in told], [])

    @unittest.skipUnless(os.geteuid() == 0, "by hand means as root")
    def test_the_commands_work_by_hand(self):
        if not shutil.which("iptables-save"):
            self.skipTest("iptables is not installed")
        printed = scenario.run(scenario.HOPLAB, "up", "--dry-run").stdout
        with tempfile.TemporaryDirectory() as folder:
            os.symlink(scenario.HOPLAB, folder + "/hoplab")
            with open(folder + "/plan.sh", "w", encoding="utf-8") as file:
                file.write(printed + QUESTIONS)
            done = scenario.run(*BY_HAND, folder + "/plan.sh", stdin=subprocess.DEVNULL,
                                env={**os.environ, "PATH": folder + ":" + os.environ["PATH"]})
        self.assertIn("172.16.184.0/24 via 192.168.10.102 dev tunl0 proto bird onlink", done.stdout)
        self.assertIn("-A PREROUTING -m comment --comment \"kubernetes service portals\" "
                      "-j KUBE-SERVICES", done.stdout)


if __name__ == "__main__":
    scenario.main()
