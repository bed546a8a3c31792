"""Sandboxes: up, down, status, list, kubeconfig."""

import json
import os
import select
import shutil
import subprocess
import tempfile
import time

import scenario

# Kubernetes is not the subject here: what the hosts run need not be ready.
UP = ("--no-wait",)


class Linux(scenario.Case):
    """The ready-made cluster of one host without Kubernetes."""

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
        self.assertEqual(cluster.shell("linux", "ls", "/sys/class/net").stdout, "eth0\nlo\n")
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
            capture_output=True, text=True, timeout=120)
        self.assertIn("is up", done.stdout)
        pid = cluster.state()["pid"]
        self.assertEqual(os.getsid(pid), pid)
        self.assertEqual(os.readlink(f"/proc/{pid}/cwd"), "/")

    def test_keeps_nothing_of_its_starter_open(self):
        cluster = self.cluster()
        read_end, write_end = os.pipe()
        cluster.up("-f", "linux", pass_fds=[write_end])
        os.close(write_end)
        ready, _, _ = select.select([read_end], [], [], 60)
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
        cluster.down()

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
        self.assert_nothing_left(cluster)

    def test_power_cut_of_the_control_plane(self):
        if not shutil.which("kubectl"):
            self.skipTest("there is no kubectl")
        cluster = self.start()
        cluster.kubectl("apply", "-f", "-", input=json.dumps({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "kept"}}))
        cluster.cut_power("k8s-m")
        scenario.wait_until("the node is Ready again", lambda: self.nodes(cluster).get("k8s-m")
                            == "True" and cluster.status()["server"]["state"] == "running")
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


scenario.main()
