"""`hoplab shell`: pipes, exit codes, terminals."""

import os
import re
import shutil
import subprocess
import tempfile

import scenario
from completion import complete
from terminal import Terminal


class Shell(scenario.Case):
    def test_exit_codes(self):
        cluster = self.start("-f", "linux")
        self.assertEqual(cluster.shell("linux", "sh", "-c", "exit 7", check=False).returncode, 7)
        self.assertEqual(
            cluster.shell("linux", "sh", "-c", "kill -9 $$", check=False).returncode, 137)
        missing = cluster.shell("linux", "no-such-command", check=False)
        self.assertEqual(missing.returncode, 127)
        self.assertIn("command not found", missing.stderr)
        self.assertEqual(cluster.shell("linux", "/etc/passwd", check=False).returncode, 126)
        unknown = cluster.shell("mars", "true", check=False)
        self.assertEqual(unknown.returncode, 1)
        self.assertIn("there are: linux", unknown.stderr)

    def test_completion_knows_clusters_and_hosts(self):
        cluster = self.start("-f", "linux")
        self.assertEqual(complete(scenario.HOPLAB, "--cluster", cluster.name[:-1]), [cluster.name])
        self.assertEqual(complete(scenario.HOPLAB, "--cluster", cluster.name, "shell", "l"), ["linux"])

    def test_pipes(self):
        cluster = self.start("-f", "linux")
        text = "line\n" * 50000
        done = cluster.shell("linux", "cat", input=text)
        self.assertEqual(done.stdout, text)
        self.assertEqual(cluster.hoplab("shell", input="echo $((6*7)); exit 3\n",
                                        check=False).stdout, "42\n")

    def test_environment(self):
        cluster = self.start("-f", "linux")
        out = cluster.shell("linux", "sh", "-c", "echo $PATH; echo $KUBECONFIG; echo $USER").stdout
        path, kubeconfig, user = out.splitlines()
        self.assertTrue(path.startswith("/run/hoplab/bin:"))
        self.assertEqual((kubeconfig, user), ("/run/hoplab/kubeconfig", "root"))
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o755)
            self.assertEqual(cluster.shell("linux", "pwd", cwd=folder).stdout.strip(), folder)

    def test_sudo_just_runs(self):
        cluster = self.start("-f", "linux")
        self.assertEqual(cluster.shell("linux", "sudo", "id", "-u").stdout, "0\n")
        self.assertEqual(cluster.shell("linux", "sudo", "-E", "-u", "root", "A=b", "sh", "-c",
                                       "echo $A; exit 4", check=False).stdout, "b\n")
        self.assertEqual(
            cluster.shell("linux", "sudo", "nonsense-program", check=False).returncode, 127)

    def test_killed_shell_takes_its_command_along(self):
        cluster = self.start("-f", "linux")
        process = subprocess.Popen([scenario.HOPLAB, "--cluster", cluster.name, "shell", "linux",
                                    "--", "sleep", "600"])
        running = lambda: "sleep 600" in cluster.shell("linux", "ps", "ax").stdout
        scenario.wait_until("sleep runs", running)
        process.kill()
        process.wait()
        scenario.wait_until("sleep ends", lambda: not running())

    def wait_in_front(self, cluster, command):
        """Until the terminal's keys reach it: "+" is ps's sign of the foreground."""
        pattern = re.compile(rf"^\S*\+\S* +{command}$", re.MULTILINE)
        scenario.wait_until(f"{command} is in the foreground", lambda: pattern.search(
            cluster.shell("linux", "ps", "-eo", "stat=,args=").stdout))

    def test_job_control(self):
        cluster = self.start("-f", "linux")
        terminal = Terminal(scenario.HOPLAB, "--cluster", cluster.name, "shell", "linux")
        prompt = r"root@linux:~# "
        terminal.expect(prompt)
        terminal.send("tty; echo pgrp=$(ps -o tpgid= -p $$)\n")
        terminal.expect(r"/dev/pts/\d+")
        terminal.expect(prompt)
        terminal.send("sleep 600\n")
        self.wait_in_front(cluster, "sleep 600")
        terminal.send("\x03")  # Ctrl-C
        terminal.expect(prompt)
        terminal.send("sleep 601\n")
        self.wait_in_front(cluster, "sleep 601")
        terminal.send("\x1a")  # Ctrl-Z
        terminal.expect("Stopped")
        terminal.expect(prompt)
        terminal.send("jobs; fg\n")
        terminal.expect(r"sleep 601")
        self.wait_in_front(cluster, "sleep 601")
        terminal.send("\x03")
        terminal.expect(prompt)
        terminal.send("stty size >/dev/null && cd /etc && exit 5\n")
        self.assertEqual(terminal.exit_code(), 5)

    def test_full_screen_program(self):
        if not shutil.which("vim") and not shutil.which("vi"):
            self.skipTest("there is no vi")
        editor = "vim" if shutil.which("vim") else "vi"
        cluster = self.start("-f", "linux")
        terminal = Terminal(scenario.HOPLAB, "--cluster", cluster.name, "shell", "linux", "--",
                            editor, "/tmp/not-written")
        terminal.expect("not-written")
        terminal.send("\x1b:cq\r")  # leave with an error code
        self.assertEqual(terminal.exit_code(), 1)

    def test_ctrl_c_reaches_a_command(self):
        cluster = self.start("-f", "linux")
        terminal = Terminal(scenario.HOPLAB, "--cluster", cluster.name, "shell", "linux", "--",
                            "sh", "-c", "echo begun; exec sleep 600")
        terminal.expect("begun")
        terminal.send("\x03")
        self.assertEqual(terminal.exit_code(), 130)


scenario.main()
