"""What a newcomer is told after a mistake: what was wrong, and what to type instead."""

import os
import tempfile
import unittest

import scenario


class CommandLines(unittest.TestCase):
    def refused(self, code, *args):
        done = scenario.run(scenario.HOPLAB, *args, check=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stderr

    def test_an_unknown_tunnel_is_a_mistake_in_the_command_line(self):
        for verb in ("up", "demo"):
            told = self.refused(2, verb, "--tunnel", "wrong")
            self.assertEqual(told.count("--tunnel"), 1, told)
            self.assertIn("bpf, tun or veth", told)

    def test_a_verb_is_not_taken_for_the_clusters_name(self):
        for args in (("up",), ("up", "-f", "linux"), ("status",)):
            self.assertIn("hoplab --cluster NAME " + args[0], self.refused(2, "--cluster", *args))

    def test_a_cluster_may_be_named_like_a_verb(self):
        self.assertIn("cluster demo is not up", self.refused(1, "--cluster", "demo", "status"))

    def test_an_empty_cluster_file(self):
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            told = self.refused(1, "up", "-f", file.name)
        self.assertIn("the file is empty", told)
        self.assertIn("k8s, linux", told)

    def test_hints_name_the_cluster(self):
        told = self.refused(1, "--cluster", "two", "kubectl", "edit", "pod", "x")
        self.assertIn("KUBECONFIG=$(hoplab --cluster two kubeconfig) kubectl edit", told)

    @unittest.skipIf(os.geteuid() == 0, "root may capture everywhere")
    def test_capture_says_where_it_works(self):
        self.assertIn("hoplab shell k8s-w1 -- hoplab capture", self.refused(
            1, "capture", "-i", "lo", "-c", "1"))


class BareCluster(scenario.Case):
    def test_kubectl_says_that_there_is_no_server(self):
        cluster = self.start("-f", "linux")
        environment = {key: value for key, value in os.environ.items() if key != "KUBECONFIG"}
        for args in (("kubectl", "get", "pods"), ("kubeconfig",)):
            done = cluster.hoplab(*args, check=False, env=environment)
            self.assertEqual(done.returncode, 1)
            self.assertIn(f"cluster {cluster.name} has no API server", done.stderr)
            self.assertIn("hoplab --cluster k8s up -f k8s", done.stderr)


if __name__ == "__main__":
    scenario.main()
