"""Sandboxes when something goes wrong: nothing is left, and what ends is started again."""

import json
import os
import resource
import signal
import socket
import subprocess
import tempfile
import time

import scenario

# Kubernetes is not the subject here: what the hosts run need not be ready.
UP = ("--no-wait",)


class ControlSocket(scenario.Case):
    """sandbox.sock, by hand: one packet = one byte for "last" and JSON."""

    def connect(self, cluster):
        client = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.addCleanup(client.close)
        client.settimeout(60)
        client.connect(cluster.folder + "/sandbox.sock")
        return client

    def ask(self, client, **request):
        client.send(b"\0" + json.dumps(request).encode())
        return json.loads(client.recv(65536)[1:])

    def test_requests(self):
        cluster = self.start("-f", "linux")
        client = self.connect(cluster)
        self.assertEqual(self.ask(client, request="status")["name"], cluster.name)
        error = self.ask(client, request="enter", host="mars")["error"]
        self.assertEqual(error["code"], "not found")
        self.assertIn("nonsense", self.ask(client, request="nonsense")["error"]["message"])
        self.assertEqual(self.ask(client, request="status")["name"], cluster.name)
        self.assertEqual(self.ask(client, request="down"), {})
        scenario.wait_until("it ends", lambda: not scenario.alive(cluster.state()["pid"]))

    def test_garbage_closes_only_that_connection(self):
        cluster = self.start("-f", "linux")
        for garbage in (b"\xff", b"\0", b"\0{", b"\0[]", b"\7hello", b"\1" + b"x" * 9000):
            client = self.connect(cluster)
            client.send(garbage)
        flood = self.connect(cluster)
        flood.setblocking(False)
        try:
            for _ in range(100000):  # never reads an answer
                flood.send(b'\0{"request":"status"}')
        except OSError:
            pass
        self.assertEqual(cluster.status()["name"], cluster.name)

    def test_inside_is_inside(self):
        cluster = self.start("-f", "linux")
        for verb in ("up", "down", "status"):
            done = cluster.shell("linux", "hoplab", verb, check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn("you are inside host linux", done.stderr)


class Failures(scenario.Case):
    """Whatever goes wrong, nothing is left."""

    def assert_clean(self, cluster):
        self.assertFalse(os.path.exists(cluster.folder), "the folder is left")
        listed = cluster.hoplab("list", "-o", "json").stdout
        self.assertNotIn(f'"{cluster.name}"', listed)

    def test_killed_sandbox_init(self):
        cluster = self.start(*UP)
        os.kill(cluster.state()["pid"], signal.SIGKILL)
        scenario.wait_until("everything in it has ended", lambda: not [
            line for line in cluster.traces.left() if line.startswith("process")])
        done = cluster.hoplab("status", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("not up any more", done.stderr)
        cluster.down()
        self.assert_nothing_left(cluster)

    def test_up_after_a_killed_sandbox_init(self):
        cluster = self.start(*UP)
        old = cluster.state()["pid"]
        os.kill(old, signal.SIGKILL)
        cluster.up(*UP)
        self.assertNotEqual(cluster.state()["pid"], old)
        cluster.ping("k8s-w1", "192.168.20.100")

    def test_a_folder_with_somebody_elses_pid_is_stale(self):
        cluster = self.cluster()
        sleeper = subprocess.Popen(["sleep", "60"])
        try:
            os.makedirs(cluster.folder, 0o700)
            with open(cluster.folder + "/state.json", "w", encoding="utf-8") as file:
                json.dump({"name": cluster.name, "pid": sleeper.pid, "startTime": 1,
                           "ready": True, "config": {}}, file)
            cluster.down()
            self.assertIsNone(sleeper.poll(), "a process that is not ours was killed")
            self.assert_clean(cluster)
        finally:
            sleeper.kill()
            sleeper.wait()

    def test_down_without_a_readable_state(self):
        for damage in ("{broken", '{"name": "x", "pid": 1, "startTime": 1}', None):
            with self.subTest(state=damage):
                cluster = self.start("-f", "linux")
                pid = cluster.state()["pid"]
                path = cluster.folder + "/state.json"
                if damage is None:
                    os.unlink(path)
                else:
                    with open(path, "w", encoding="utf-8") as file:
                        file.write(damage)
                cluster.down()
                self.assertFalse(scenario.alive(pid), "the sandbox lives on")
                self.assert_clean(cluster)
                self.assert_nothing_left(cluster)

    def test_a_long_log_is_shortened(self):
        cluster = self.start("-f", "linux")
        path = cluster.folder + "/sandbox.log"
        with open(path, "a", encoding="utf-8") as log:
            for _ in range(12):
                log.write("a line of somebody's\n" * 50000)

        def short_again():
            with open(path, encoding="utf-8") as now:
                return "older lines were removed" in now.readline()

        # Between the shortening and the writing of what is kept the file is empty.
        scenario.wait_until("it is short again", short_again)
        self.assertLess(os.path.getsize(path), 2 << 20)

    def test_interrupted_at_any_moment(self):
        for sent in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            for delay in (0.005, 0.02, 0.05, 0.09, 0.15):
                with self.subTest(signal=sent.name, delay=delay):
                    self.interrupt(sent, delay)

    def interrupt(self, sent, delay):
        cluster = self.cluster()
        process = subprocess.Popen([scenario.HOPLAB, "--cluster", cluster.name, "up", *UP],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        time.sleep(delay)
        pid = None
        try:
            pid = cluster.state()["pid"]
        except (OSError, ValueError):
            pass  # not made yet
        process.send_signal(sent)
        output = process.communicate(timeout=120)
        if process.returncode == 0:
            return  # it was quicker; tearDown ends it
        if sent == signal.SIGKILL:
            # Nobody could clean up the files; the processes have ended all the same.
            if pid:
                scenario.wait_until("the sandbox ends with `up`",
                                    lambda: not scenario.alive(pid))
            cluster.down()
        elif process.returncode == 1:
            self.assertIn("interrupted", output[1])
        self.assert_clean(cluster)

    def test_bad_cluster_file(self):
        cluster = self.cluster()
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write("podNetwork: 10.96.0.0/16\nsegments: []\n"
                       "hosts:\n- {name: UPPER, role: boss, colour: red}\n")
            file.flush()
            done = cluster.up("-f", file.name, check=False)
            self.assertEqual(done.returncode, 1)
            for part in (file.name, "hosts[0].role", "hosts[0].colour: Unknown field"):
                self.assertIn(part, done.stderr)
            file.seek(0)
            file.truncate()
            file.write("hosts: [\n")
            file.flush()
            done = cluster.up("-f", file.name, check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn(file.name, done.stderr)
        done = cluster.up("-f", "/no/such/file.yaml", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("/no/such/file.yaml", done.stderr)
        self.assert_clean(cluster)

    def test_bad_names(self):
        for name in ("", "UP", "../x", "a" * 33, "-a"):
            for verb in ("up", "down", "status"):
                done = scenario.run(scenario.HOPLAB, "--cluster", name, verb, check=False)
                self.assertEqual(done.returncode, 1, (name, verb))
                self.assertIn("cluster name", done.stderr)

    def test_place_is_taken(self):
        cluster = self.cluster()
        os.makedirs(scenario.runtime_folder(), exist_ok=True)
        with open(cluster.folder, "w", encoding="utf-8"):
            pass
        try:
            done = cluster.up(*UP, check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn(cluster.folder, done.stderr)
        finally:
            os.remove(cluster.folder)

    def test_no_port_is_free(self):
        cluster = self.cluster()
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file, socket.socket() as taken:
            taken.bind(("127.0.0.1", 65535))
            taken.listen()
            file.write("ports: {api: 65535}\nsegments: [{name: lan, network: 192.168.1.0/24}]\n"
                       "hosts:\n- name: m\n  role: control-plane\n"
                       "  interfaces: [{segment: lan, address: 192.168.1.1}]\n")
            file.flush()
            done = cluster.up(*UP, "-f", file.name, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("65535", done.stderr)
        self.assertIn("EADDRINUSE", done.stderr)
        self.assert_clean(cluster)

    def test_taken_port_means_the_next(self):
        first = self.start(*UP)
        second = self.start(*UP)
        self.assertGreater(second.state()["apiPort"], first.state()["apiPort"])

    def test_step_fails_midway(self):
        """Not enough descriptors for all hosts: the kernel says no in the middle."""
        cluster = self.cluster()
        done = cluster.up(*UP, check=False, preexec_fn=lambda: resource.setrlimit(
            resource.RLIMIT_NOFILE, (24, 24)))
        self.assertEqual(done.returncode, 1)
        self.assertIn("EMFILE", done.stderr)
        self.assert_clean(cluster)

    def test_not_up(self):
        cluster = self.cluster()
        for verb in ("status", "shell", "kubeconfig"):
            done = cluster.hoplab(verb, check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn("is not up", done.stderr)
            self.assertIn("hoplab", done.stderr.split("\n")[1])


class Restarts(scenario.Case):
    """What ends is started again."""

    def host_pid(self, cluster, needle):
        for pid in scenario.children(cluster.state()["pid"]):
            try:
                with open(f"/proc/{pid}/environ", "rb") as env, \
                        open(f"/proc/{pid}/cmdline", "rb") as cmd:
                    if needle(cmd.read().replace(b"\0", b" ").decode(), env.read()):
                        return pid
            except OSError:
                pass
        raise AssertionError("no such process")

    def test_power_cut_of_a_host(self):
        cluster = self.start(*UP)
        old = cluster.shell("k8s-w1", "readlink", "/proc/self/ns/net").stdout
        cluster.cut_power("k8s-w1")
        host = lambda: next(h for h in cluster.status()["hosts"] if h["name"] == "k8s-w1")
        scenario.wait_until("k8s-w1 started again",
                            lambda: host()["restarts"] == 1 and host()["state"] == "running")
        cluster.ping("k8s-w1", "192.168.20.100")
        cluster.ping("client", "192.168.10.101")
        self.assertNotEqual(cluster.shell("k8s-w1", "readlink", "/proc/self/ns/net").stdout, old)
        cluster.outside("ip", "netns", "exec", "k8s-w1", "ping", "-c1", "-W2", "192.168.10.10")
        cluster.traces = scenario.Traces(cluster)

    def test_server_keeps_its_listener(self):
        cluster = self.start(*UP)
        port = cluster.state()["apiPort"]
        if not port:
            self.skipTest("no server in this executable")
        version = lambda: scenario.run("curl", "-sk", "--max-time", "60",
                                       f"https://127.0.0.1:{port}/version", check=False).stdout
        self.assertIn("gitVersion", version())
        for _ in range(3):
            pid = self.host_pid(cluster, lambda cmd, env: cmd.startswith("hoplab server"))
            os.kill(pid, signal.SIGKILL)
            # No refusal in between: the listener was never closed.
            self.assertIn("gitVersion", version())
        self.assertEqual(cluster.status()["server"]["restarts"], 3)


scenario.main()
