"""`hoplab demo`: it proves what it says and takes everything down, also when it is interrupted."""

import os
import shutil
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


# In a mount namespace of its own, which ends with the command: the computer keeps its device.
HIDDEN = "mount -t tmpfs none /dev/net"
REFUSED = "mount --bind /dev/net /dev/net && mount -o remount,bind,nodev /dev/net"


@unittest.skipUnless(os.geteuid() == 0, "only root hides a device from itself")
class WithoutTunDevice(scenario.Case):
    """The whole walk where /dev/net/tun is closed, as in many containers."""

    def setUp(self):
        super().setUp()
        if not os.path.exists("/dev/net/tun"):
            self.skipTest("there is no /dev/net/tun: every other test runs without it")

    def inside(self, close, *command, **more):
        return scenario.run("unshare", "--mount", "--propagation", "private", "sh", "-c",
                            f'{close} && exec "$@"', "sh", *command, **more)

    def assert_walks(self, close, *options):
        done = self.inside(close, scenario.HOPLAB, "demo", *options)
        self.assertIn("outer addresses are the nodes', inner ones the pods'", done.stdout)
        self.assertIn("facts compared", done.stdout)

    def test_the_device_is_closed(self):
        """Else the others here prove nothing."""
        opened = "import os; os.open('/dev/net/tun', os.O_RDWR)"
        for close, why in ((HIDDEN, "No such file"), (REFUSED, "Permission denied")):
            done = self.inside(close, shutil.which("python3"), "-c", opened, check=False)
            self.assertIn(why, done.stderr)

    def test_with_the_best_there_is(self):
        """eBPF where it is allowed."""
        self.assert_walks(HIDDEN)
        self.assert_walks(REFUSED)

    def test_with_packets_carried_by_a_process(self):
        self.assert_walks(HIDDEN, "--tunnel", "veth")

    def test_says_what_is_missing(self):
        done = self.inside(HIDDEN, scenario.HOPLAB, "demo", "--tunnel", "tun", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("/dev/net/tun", done.stdout + done.stderr)


if __name__ == "__main__":
    scenario.main()
