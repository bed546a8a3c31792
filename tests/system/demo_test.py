"""`hoplab demo`: it proves what it says and takes everything down, also when it is interrupted."""

import os
import signal
import subprocess
import unittest

import scenario


class Demo(unittest.TestCase):
    def start(self):
        return subprocess.Popen([scenario.HOPLAB, "demo"], stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)

    def read_until(self, demo, text):
        for line in demo.stdout:
            if text in line.decode():
                return
        self.fail(f"the demo ended before it said {text!r}")

    def assert_nothing_left(self):
        self.assertFalse(os.path.exists(scenario.runtime_folder() + "/demo"))

    def test_walks_to_the_end(self):
        done = scenario.run(scenario.HOPLAB, "demo")
        self.assertIn("outer addresses are the nodes', inner ones the pods'", done.stdout)
        self.assertIn("facts compared", done.stdout)
        self.assertIn("all together", done.stdout)
        self.assert_nothing_left()

    def test_takes_the_name_it_is_given(self):
        name = f"demo-{os.getpid()}"
        try:
            scenario.run(scenario.HOPLAB, "--cluster", name, "demo", "--keep")
            self.assertIn(name, scenario.run(scenario.HOPLAB, "list").stdout)
        finally:
            scenario.run(scenario.HOPLAB, "--cluster", name, "down")
        self.assert_nothing_left()

    def test_interrupted_it_leaves_nothing(self):
        for moment in ("$ hoplab up", "== Nodes and pods", "== One address for three pods"):
            with self.subTest(moment=moment):
                demo = self.start()
                self.read_until(demo, moment)
                demo.send_signal(signal.SIGINT)
                rest = demo.communicate()[0].decode()
                self.assertEqual(demo.returncode, 130, rest)
                self.assertIn("interrupted; nothing of it stays behind", rest)
                self.assert_nothing_left()

    def test_a_reader_that_goes_away_leaves_nothing(self):
        demo = self.start()
        self.read_until(demo, "== Apply a manifest")
        demo.stdout.close()
        demo.wait()
        self.assert_nothing_left()

    def test_does_not_end_a_cluster_of_that_name(self):
        scenario.run(scenario.HOPLAB, "--cluster", "demo", "up", "-f", "linux")
        try:
            refused = scenario.run(scenario.HOPLAB, "demo", check=False)
            self.assertEqual(refused.returncode, 1)
            self.assertIn("hoplab --cluster demo down", refused.stderr)
            self.assertIn("demo", scenario.run(scenario.HOPLAB, "list").stdout)
        finally:
            scenario.run(scenario.HOPLAB, "--cluster", "demo", "down")


if __name__ == "__main__":
    scenario.main()
