"""Sandboxes: up, down, shell, status, list, kubeconfig."""

import json
import os
import pty
import re
import resource
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

import scenario

# Kubernetes is not the subject here: what the hosts run need not be ready.
UP = ("--no-wait",)


class Linux(scenario.Case):
    """The ready-made cluster of one bare host."""

    def test_up_and_down(self):
        cluster = self.cluster()
        begin = time.monotonic()
        cluster.up("-f", "linux")
        took_up = time.monotonic() - begin
        self.assertEqual(cluster.shell("linux", "hostname").stdout, "linux\n")
        self.assertEqual(cluster.shell("linux", "cat", "/etc/hostname").stdout, "linux\n")
        self.assertEqual(cluster.shell("linux", "id", "-u").stdout, "0\n")
        begin = time.monotonic()
        cluster.down()
        took_down = time.monotonic() - begin
        print(f"up {took_up * 1000:.0f} ms, down {took_down * 1000:.0f} ms ", end="", flush=True)
        self.assert_nothing_left(cluster)
        self.assert_quick(took_up, 1)
        self.assert_quick(took_down, 0.5)

    def test_name_of_the_file_is_the_name_of_the_cluster(self):
        env = {k: v for k, v in os.environ.items() if k != "HOPLAB_CLUSTER"}
        plan = scenario.run(scenario.HOPLAB, "up", "-f", "linux", "--dry-run", env=env).stdout
        self.assertIn("ip -n linux link set lo up", plan)

    def test_down_may_come_twice_and_without_up(self):
        cluster = self.start("-f", "linux")
        self.assertIn("is down", cluster.down().stdout)
        self.assertIn("was not up", cluster.down().stdout)

    def test_own_proc_sys_and_run(self):
        cluster = self.start("-f", "linux")
        pids = cluster.shell("linux", "sh", "-c", "ls /proc | grep -c '^[0-9]'").stdout
        self.assertLess(int(pids), 20)
        self.assertEqual(cluster.shell("linux", "ls", "/sys/class/net").stdout, "lo\n")
        self.assertNotIn("systemd", cluster.shell("linux", "ls", "/run").stdout)
        pid1 = cluster.shell("linux", "cat", "/proc/1/cmdline").stdout
        self.assertIn("node-init", pid1)

    def test_what_a_host_writes_stays_with_it(self):
        cluster = self.start("-f", "linux")
        for path in ("/etc/hoplab-test", "/var/log/hoplab-test"):
            cluster.shell("linux", "sh", "-c", f"echo mine > {path}")
            self.assertEqual(cluster.shell("linux", "cat", path).stdout, "mine\n")
            self.assertFalse(os.path.exists(path))

    def test_output_of_up_goes_nowhere_afterwards(self):
        """sandbox-init keeps neither the terminal nor a pipe: `hoplab up | cat` ends."""
        cluster = self.cluster()
        done = subprocess.run(
            ["sh", "-c", f"{scenario.HOPLAB} --cluster {cluster.name} up -f linux 2>&1 | cat"],
            capture_output=True, text=True, timeout=20)
        self.assertIn("is up", done.stdout)
        pid = cluster.state()["pid"]
        self.assertEqual(os.getsid(pid), pid)
        self.assertEqual(os.readlink(f"/proc/{pid}/cwd"), "/")


    def test_keeps_nothing_of_its_starter_open(self):
        cluster = self.cluster()
        read_end, write_end = os.pipe()
        cluster.up("-f", "linux", pass_fds=[write_end])
        os.close(write_end)
        ready, _, _ = select.select([read_end], [], [], 5)
        self.assertTrue(ready, "the pipe is still open in the sandbox")
        self.assertEqual(os.read(read_end, 1), b"")
        os.close(read_end)

    def test_umask_of_the_starter_does_not_matter(self):
        cluster = self.cluster()
        cluster.up("-f", "linux", preexec_fn=lambda: os.umask(0o077))
        mode = cluster.shell("linux", "stat", "-c", "%a", "/run/hoplab/bin").stdout
        self.assertEqual(mode.strip(), "755")

    def test_settings_of_the_computer_cannot_be_changed(self):
        """Not even by root without a user namespace."""
        cluster = self.start("-f", "linux")
        with open("/proc/sys/kernel/printk_ratelimit", encoding="ascii") as file:
            before = file.read()
        for where in (cluster.shell, lambda _, *argv, **more: cluster.outside(*argv, **more)):
            done = where("linux", "sh", "-c", f"echo {before.strip()} > "
                         "/proc/sys/kernel/printk_ratelimit", check=False)
            self.assertNotEqual(done.returncode, 0)
            done = where("linux", "sh", "-c", "echo h > /proc/sysrq-trigger", check=False)
            self.assertNotEqual(done.returncode, 0)
            where("linux", "sysctl", "-qw", "net.ipv4.ip_forward=1")

    def test_tools(self):
        cluster = self.start("-f", "linux")
        self.assertEqual(cluster.shell("linux", "sh", "-c", "command -v sudo").stdout.strip(),
                         "/run/hoplab/bin/sudo")
        self.assertIn("hoplab", cluster.shell("linux", "hoplab", "version").stdout)


class Default(scenario.Case):
    """Five hosts, a client and the pretend internet."""

    def test_every_path_of_the_underlay(self):
        cluster = self.cluster()
        begin = time.monotonic()
        cluster.up(*UP)
        print(f"up {(time.monotonic() - begin) * 1000:.0f} ms ", end="", flush=True)
        for host, address in (("k8s-w1", "192.168.10.102"), ("k8s-w1", "192.168.20.100"),
                              ("k8s-w0", "192.168.10.101"), ("client", "192.168.10.10"),
                              ("k8s-w0", "8.8.8.8"), ("client", "1.1.1.1"),
                              ("internet", "192.168.30.10")):
            with self.subTest(host=host, address=address):
                cluster.ping(host, address)
        # Behind the router: one hop less to live.
        self.assertIn("ttl=63", cluster.ping("k8s-w1", "192.168.20.100").stdout)
        self.assertIn("ttl=64", cluster.ping("k8s-w1", "192.168.10.102").stdout)
        routes = cluster.shell("k8s-w0", "ip", "route").stdout
        self.assertIn("default via 192.168.20.254 dev eth0", routes)
        hosts = cluster.shell("client", "getent", "hosts", "k8s-m").stdout
        self.assertIn("192.168.10.10", hosts)
        begin = time.monotonic()
        cluster.down()
        self.assert_quick(time.monotonic() - begin, 0.5)

    def test_outside_view(self):
        cluster = self.start(*UP)
        names = cluster.outside("ip", "netns").stdout
        self.assertEqual(sorted(line.split()[0] for line in names.splitlines()),
                         ["client", "internet", "k8s-m", "k8s-rtr", "k8s-w0", "k8s-w1", "k8s-w2"])
        cluster.outside("ip", "netns", "exec", "client", "ping", "-c1", "-W2", "192.168.10.10")
        self.assertIn("lan10", cluster.outside("ip", "-br", "link").stdout)
        # The switches have no addresses and no routes: they are no way in or out.
        self.assertEqual(cluster.outside("ip", "route").stdout, "")

    def test_the_computer_cannot_be_reached(self):
        """The sandbox has no cable to the outside."""
        cluster = self.start(*UP)
        links = cluster.outside("ip", "-o", "link").stdout
        own = {line.split(": ")[1].split("@")[0] for line in
               scenario.run("ip", "-o", "link").stdout.splitlines()} - {"lo"}
        for name in own:
            self.assertNotIn(f" {name}:", links)

    def test_dry_run_prints_what_is_done(self):
        cluster = self.cluster()
        plan = cluster.hoplab("up", "--dry-run").stdout
        self.assertFalse(os.path.exists(cluster.folder))
        done = cluster.up("-v", *UP).stdout
        self.assertIn("# ", plan)
        commands = [line for line in plan.splitlines()]
        self.assertEqual(done.splitlines()[:len(commands)], commands)
        self.assertIn("ip -n k8s-rtr route replace default via 203.0.113.2 dev eth3", commands)

    def test_second_up_converges(self):
        cluster = self.start(*UP)
        pid = cluster.state()["pid"]
        self.assertIn("already up", cluster.up(*UP).stdout)
        self.assertEqual(cluster.state()["pid"], pid)

    def test_up_with_another_file_is_refused(self):
        cluster = self.start(*UP)
        done = cluster.up("-f", "linux", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("another cluster file", done.stderr)
        cluster.ping("k8s-w1", "192.168.10.10")

    def test_side_by_side(self):
        """The same addresses twice; neither sees the other."""
        one = self.start(*UP)
        two = self.start(*UP)
        if one.state()["apiPort"]:
            self.assertNotEqual(one.state()["apiPort"], two.state()["apiPort"])
        one.shell("k8s-w0", "ip", "link", "set", "eth0", "down")
        self.assertNotEqual(one.ping("k8s-m", "192.168.20.100", check=False).returncode, 0)
        two.ping("k8s-m", "192.168.20.100")
        names = [row["name"] for row in
                 json.loads(one.hoplab("list", "-o", "json").stdout)]
        self.assertIn(one.name, names)
        self.assertIn(two.name, names)
        one.down()
        self.assert_nothing_left(one)
        two.ping("k8s-m", "192.168.20.100")

    def test_status(self):
        cluster = self.start(*UP)
        hosts = {host["name"]: host for host in cluster.status()["hosts"]}
        self.assertEqual(hosts["k8s-rtr"]["role"], "router")
        self.assertEqual(hosts["k8s-m"]["addresses"], ["192.168.10.10"])
        self.assertEqual({host["state"] for host in hosts.values()}, {"running"})
        self.assertIn("RESTARTS", cluster.hoplab("status", "-o", "wide").stdout)
        self.assertIn("name: k8s-w2", cluster.hoplab("status", "-o", "yaml").stdout)
        self.assertEqual(cluster.hoplab("status", "-o", "xml", check=False).returncode, 2)

    def test_kubeconfig(self):
        cluster = self.start(*UP)
        path = cluster.hoplab("kubeconfig").stdout.strip()
        self.assertEqual(path, cluster.folder + "/kubeconfig")
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
        port = cluster.state()["apiPort"]
        text = cluster.hoplab("kubeconfig", "--print").stdout
        self.assertIn(f"https://127.0.0.1:{port}", text)
        inside = cluster.shell("client", "sh", "-c", "cat $KUBECONFIG").stdout
        self.assertIn("https://192.168.10.10:6443", inside)


class Kubernetes(scenario.Case):
    """What `up` waits for by itself."""

    def nodes(self, cluster):
        out = cluster.kubectl("get", "nodes", "-o", "json", check=False).stdout
        conditions = {}
        for node in json.loads(out)["items"] if out else []:
            for condition in node["status"]["conditions"]:
                if condition["type"] == "Ready":
                    conditions[node["metadata"]["name"]] = condition["status"]
        return conditions

    def test_ready_when_up_returns(self):
        if not shutil.which("kubectl"):
            self.skipTest("there is no kubectl")
        cluster = self.cluster()
        begin = time.monotonic()
        cluster.up()
        print(f"up {(time.monotonic() - begin) * 1000:.0f} ms ", end="", flush=True)
        self.assertEqual(self.nodes(cluster), dict.fromkeys(
            ("k8s-m", "k8s-w0", "k8s-w1", "k8s-w2"), "True"))
        pods = json.loads(cluster.kubectl("-n", "kube-system", "get", "pods", "-o", "json").stdout)
        self.assertGreaterEqual(len(pods["items"]), 8)
        for pod in pods["items"]:
            self.assertEqual(pod["status"]["phase"], "Running", pod["metadata"]["name"])
        # The same from inside, as a learner has it.
        self.assertIn("k8s-w2", cluster.shell("client", "kubectl", "get", "nodes").stdout)
        begin = time.monotonic()
        cluster.down()
        took = time.monotonic() - begin
        print(f"down {took * 1000:.0f} ms ", end="", flush=True)
        self.assert_quick(took, 0.5)
        self.assert_nothing_left(cluster)

    def test_power_cut_of_the_control_plane(self):
        if not shutil.which("kubectl"):
            self.skipTest("there is no kubectl")
        cluster = self.start()
        cluster.kubectl("apply", "-f", "-", input=json.dumps({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "kept"}}))
        cluster.cut_power("k8s-m")
        scenario.wait_until("the node is Ready again", lambda: self.nodes(cluster).get("k8s-m")
                            == "True" and cluster.status()["server"]["state"] == "running", 40)
        self.assertIn("kept", cluster.kubectl("get", "configmap", "kept").stdout)
        self.assertIn("k8s-w1", cluster.shell("k8s-w0", "kubectl", "get", "nodes").stdout)
        cluster.traces = scenario.Traces(cluster)

    def test_not_ready_in_time(self):
        cluster = self.cluster()
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            # A worker without a way to the control plane never becomes Ready.
            file.write("segments:\n- {name: a, network: 192.168.1.0/24}\n"
                       "- {name: b, network: 192.168.2.0/24}\nhosts:\n"
                       "- {name: m, role: control-plane,"
                       " interfaces: [{segment: a, address: 192.168.1.1}]}\n"
                       "- {name: lonely, role: worker,"
                       " interfaces: [{segment: b, address: 192.168.2.1}]}\n")
            file.flush()
            done = cluster.up("-f", file.name, "--timeout", "10", check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn("not ready after 10 s: nodes 1/2 Ready", done.stderr)
            self.assertIn("node lonely: has not registered", done.stderr)
            self.assertFalse(os.path.exists(cluster.folder))
            done = cluster.up("-f", file.name, "--timeout", "2", "--keep", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("left running", done.stderr)
        self.assertEqual(cluster.shell("lonely", "hostname").stdout, "lonely\n")


class ControlSocket(scenario.Case):
    """sandbox.sock, by hand: one packet = one byte for "last" and JSON."""

    def connect(self, cluster):
        client = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.addCleanup(client.close)
        client.settimeout(5)
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
        output = process.communicate(timeout=20)
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
        version = lambda: scenario.run("curl", "-sk", "--max-time", "10",
                                       f"https://127.0.0.1:{port}/version", check=False).stdout
        self.assertIn("gitVersion", version())
        for _ in range(3):
            pid = self.host_pid(cluster, lambda cmd, env: cmd.startswith("hoplab server"))
            os.kill(pid, signal.SIGKILL)
            # No refusal in between: the listener was never closed.
            self.assertIn("gitVersion", version())
        self.assertEqual(cluster.status()["server"]["restarts"], 3)


class Terminal:
    """`hoplab shell` on a terminal of its own, as a person has it."""

    def __init__(self, *argv):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ["TERM"] = "dumb"
            os.execv(argv[0], argv)
        self.text = ""

    def expect(self, pattern, seconds=10):
        end = time.monotonic() + seconds
        while True:
            match = re.search(pattern, self.text)
            if match:
                self.text = self.text[match.end():]
                return match
            ready, _, _ = select.select([self.fd], [], [], max(0, end - time.monotonic()))
            if not ready:
                raise AssertionError(f"no {pattern!r} in {self.text!r}")
            try:
                data = os.read(self.fd, 65536)
            except OSError:
                data = b""
            if not data:
                raise AssertionError(f"ended without {pattern!r}: {self.text!r}")
            self.text += data.decode(errors="replace")

    def send(self, text):
        os.write(self.fd, text.encode())

    def exit_code(self):
        end = time.monotonic() + 10
        while time.monotonic() < end:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                os.close(self.fd)
                return os.waitstatus_to_exitcode(status)
            select.select([self.fd], [], [], 0.02)
            try:
                os.set_blocking(self.fd, False)
                os.read(self.fd, 65536)
            except OSError:
                pass
        raise AssertionError("the shell does not end")


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

    def test_job_control(self):
        cluster = self.start("-f", "linux")
        terminal = Terminal(scenario.HOPLAB, "--cluster", cluster.name, "shell", "linux")
        prompt = r"root@linux:~# "
        terminal.expect(prompt)
        terminal.send("tty; echo pgrp=$(ps -o tpgid= -p $$)\n")
        terminal.expect(r"/dev/pts/\d+")
        terminal.expect(prompt)
        terminal.send("sleep 600\n")
        time.sleep(0.3)
        terminal.send("\x03")  # Ctrl-C
        terminal.expect(prompt)
        terminal.send("sleep 601\n")
        time.sleep(0.3)
        terminal.send("\x1a")  # Ctrl-Z
        terminal.expect("Stopped")
        terminal.expect(prompt)
        terminal.send("jobs; fg\n")
        terminal.expect(r"sleep 601")
        time.sleep(0.3)
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
        time.sleep(0.7)
        terminal.send("\x1b:cq\r")  # leave with an error code
        self.assertEqual(terminal.exit_code(), 1)

    def test_ctrl_c_reaches_a_command(self):
        cluster = self.start("-f", "linux")
        terminal = Terminal(scenario.HOPLAB, "--cluster", cluster.name, "shell", "linux", "--",
                            "sh", "-c", "echo begun; exec sleep 600")
        terminal.expect("begun")
        terminal.send("\x03")
        self.assertEqual(terminal.exit_code(), 130)


@unittest.skipUnless(os.geteuid() == 0, "only root can become another user")
class OtherUsers(scenario.Case):
    """As an ordinary user whom /etc/subuid does not know: a user namespace with a single id."""

    UID = 64123

    def setUp(self):
        super().setUp()
        self.place = tempfile.mkdtemp(prefix="hoplab-user-")
        self.addCleanup(shutil.rmtree, self.place, True)
        os.chmod(self.place, 0o755)
        self.binary = shutil.copy(scenario.HOPLAB, self.place + "/hoplab")
        os.mkdir(self.place + "/runtime", 0o700)
        os.chown(self.place + "/runtime", self.UID, self.UID)

    def hoplab(self, *args, check=True):
        def become():
            os.setgroups([])
            os.setgid(self.UID)
            os.setuid(self.UID)
        env = {"PATH": os.environ["PATH"], "XDG_RUNTIME_DIR": self.place + "/runtime",
               "HOPLAB_CLUSTER": "solo", "HOME": self.place}
        return scenario.run(self.binary, *args, preexec_fn=become, env=env, check=check,
                            cwd=self.place)

    def test_single_id(self):
        self.hoplab("up", *UP)
        try:
            self.assertEqual(self.hoplab("shell", "k8s-w1", "--", "cat", "/proc/self/uid_map")
                             .stdout.split(), ["0", str(self.UID), "1"])
            self.hoplab("shell", "k8s-w1", "--", "ping", "-c1", "-W2", "192.168.20.100")
            self.hoplab("shell", "client", "--", "ping", "-c1", "-W2", "192.168.10.10")
        finally:
            self.hoplab("down")
        self.assertEqual(os.listdir(self.place + "/runtime"), [])

    def test_gate_is_named(self):
        """No user namespaces left for this user: the error says which setting and how to repair."""
        with open("/proc/sys/user/max_user_namespaces", encoding="ascii") as file:
            if int(file.read()) == 0:
                self.skipTest("user namespaces are switched off here")
        # In a user namespace of our own the limit can be set without touching the computer.
        keeper = subprocess.Popen(["unshare", "-U", "sleep", "60"])
        try:
            scenario.wait_until("the user namespace is there", lambda: os.readlink(
                f"/proc/{keeper.pid}/ns/user") != os.readlink("/proc/self/ns/user"))
            for name in ("uid_map", "gid_map"):
                with open(f"/proc/{keeper.pid}/{name}", "w", encoding="ascii") as file:
                    file.write("0 0 65000")
            done = scenario.run(
                "nsenter", "-t", str(keeper.pid), "-U", "-S", "0", "-G", "0", "sh", "-c",
                "echo 0 > /proc/sys/user/max_user_namespaces && exec setpriv --reuid "
                f"{self.UID} --regid {self.UID} --clear-groups {self.binary} up", check=False,
                env={"PATH": os.environ["PATH"], "HOPLAB_CLUSTER": "gate",
                     "XDG_RUNTIME_DIR": self.place + "/runtime"})
        finally:
            keeper.kill()
            keeper.wait()
        self.assertEqual(done.returncode, 1)
        self.assertIn("user namespaces are switched off", done.stderr)
        self.assertIn("repair: sudo sysctl -w user.max_user_namespaces=", done.stderr)
        self.assertEqual(os.listdir(self.place + "/runtime"), [])


scenario.main()
