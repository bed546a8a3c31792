"""The tiny container engine: docker's own commands on a host of a lab."""

import json
import os
import re
import time

import scenario
from scenario import HOPLAB, run, wait_until
from terminal import Terminal


class Docker(scenario.Case):
    def setUp(self):
        super().setUp()
        self.linux = self.start("-f", "linux")

    def docker(self, *args, **more):
        return self.linux.hoplab("docker", *args, **more)

    def host(self, *command, **more):
        return self.linux.shell("linux", *command, **more)

    def rules(self):
        return self.host("iptables-save").stdout

    def test_the_talks_commands(self):
        red = self.docker("run", "-d", "--rm", "--name", "red", "nginx:latest").stdout
        self.assertRegex(red, r"^[0-9a-f]{64}\n$")
        self.docker("run", "-d", "--rm", "--name", "blue", "nginx:latest")
        table = self.docker("ps").stdout.splitlines()
        self.assertRegex(table[0], r"^CONTAINER ID +IMAGE +COMMAND +CREATED +STATUS +PORTS +NAMES$")
        self.assertRegex(table[2], rf'^{red[:12]} +nginx:latest +"nginx -g daemon off;" .* red$')
        top = self.docker("top", "red").stdout
        self.assertIn("nginx: master process", top)
        self.assertEqual(top.count("nginx: worker process"), 2, top)
        self.assertEqual(self.docker("top", "red", "-o", "pid,comm").stdout.splitlines()[0].split(),
                         ["PID", "COMMAND"])
        # One host, two networks stacks, one switch.
        self.assertIn("inet 172.17.0.2/16 brd 172.17.255.255 scope global eth0",
                      self.docker("exec", "red", "ip", "addr", "show", "eth0").stdout)
        self.assertEqual(self.docker("exec", "blue", "ip", "route").stdout.splitlines()[0].strip(),
                         "default via 172.17.0.1 dev eth0")
        self.docker("exec", "blue", "ping", "-c", "1", "-W", "10", "172.17.0.2")
        self.assertEqual(len(re.findall(r"\bveth[0-9a-f]{7}$", self.host("brctl", "show").stdout,
                                        re.M)), 2)
        namespaces = self.host("lsns", "-t", "net", "-n", "-o", "COMMAND").stdout
        self.assertEqual(namespaces.count("nginx: master process"), 2, namespaces)
        self.docker("stop", "-t", "5", "red", "blue")
        self.assertEqual(self.docker("ps", "-aq").stdout, "")
        self.assertNotIn("veth", self.host("ip", "-o", "link").stdout)

    def test_streams_and_exit_codes(self):
        done = self.docker("run", "--rm", "alpine", "sh", "-c", "echo out; echo err >&2; exit 7",
                           check=False)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (7, "out\n", "err\n"))
        done = self.docker("run", "-i", "--rm", "alpine", "cat", input="one\ntwo\n")
        self.assertEqual(done.stdout, "one\ntwo\n")
        done = self.docker("run", "--rm", "alpine", "no-such-program", check=False)
        self.assertEqual(done.returncode, 127)
        self.assertIn('exec: "no-such-program": executable file not found in $PATH', done.stderr)
        done = self.docker("run", "--rm", "no-such-image", check=False)
        self.assertEqual(done.returncode, 125)
        self.assertIn("docker: Error response from daemon: ", done.stderr)
        done = self.docker("run", "--nope", "alpine", check=False)
        self.assertEqual(done.returncode, 125)
        self.assertIn("unknown flag: --nope", done.stderr)
        self.assertEqual(self.docker("ps", "-aq").stdout, "", "nothing may be left of them")
        megabytes = self.docker("run", "--rm", "alpine", "head", "-c", "3000000", "/dev/zero")
        self.assertEqual(len(megabytes.stdout), 3000000)

    def test_a_life(self):
        self.docker("create", "--name", "web", "nginx")
        self.assertIn("Created", self.docker("ps", "-a").stdout)
        self.assertEqual(self.docker("start", "web").stdout, "web\n")
        self.assertEqual(self.docker("start", "web").stdout, "web\n")
        self.assertEqual(self.docker("exec", "web", "hostname").stdout.strip(),
                         self.docker("ps", "-q").stdout.strip())
        again = self.docker("create", "--name", "web", "nginx", check=False)
        self.assertEqual(again.returncode, 1)
        self.assertIn('The container name "/web" is already in use by container', again.stderr)
        running = self.docker("rm", "web", check=False)
        self.assertIn("You cannot remove a running container", running.stderr)
        self.docker("rename", "web", "site")
        self.docker("restart", "-t", "5", "site")
        inspected = json.loads(self.docker("inspect", "site").stdout)[0]
        self.assertEqual(inspected["Name"], "/site")
        self.assertTrue(inspected["State"]["Running"])
        self.assertIn("start worker process", self.docker("logs", "site").stdout)
        self.docker("kill", "-s", "QUIT", "site")
        self.assertEqual(self.docker("wait", "site").stdout, "0\n")
        self.assertRegex(self.docker("ps", "-a").stdout, r"Exited \(0\)")
        stopped = self.docker("exec", "site", "true", check=False)
        self.assertRegex(stopped.stderr, r"Container [0-9a-f]{64} is not running")
        self.docker("container", "prune", "-f")
        missing = self.docker("start", "site", check=False)
        self.assertEqual(missing.returncode, 1)
        self.assertIn("No such container: site", missing.stderr)

    def test_containers_that_are_removed_at_their_end(self):
        self.docker("run", "-d", "--rm", "--name", "job", "alpine", "sh", "-c", "sleep 1; exit 7")
        self.assertEqual(self.docker("wait", "job").stdout, "7\n")
        self.docker("run", "-d", "--rm", "--name", "web", "nginx")
        self.docker("restart", "-t", "5", "web")
        self.assertIn("Up ", self.docker("ps", "--filter", "name=web").stdout)
        self.docker("stop", "-t", "5", "web")
        self.assertEqual(self.docker("ps", "-aq").stdout, "")

    def test_what_outlives_its_client(self):
        self.docker("run", "-d", "--name", "web", "alpine", "sleep", "1000")
        self.docker("exec", "-d", "web", "sh", "-c",
                    "for i in 1 2 3; do date; done; touch /tmp/done; exec sleep 1000")
        wait_until("it wrote and went on", lambda: self.docker(
            "exec", "web", "test", "-e", "/tmp/done", check=False).returncode == 0)
        self.assertIn("sleep 1000", self.docker("top", "web").stdout)
        piped = self.host("bash", "-c", "docker run --name endless alpine yes | head -n 1",
                          timeout=60)
        self.assertEqual(piped.stdout, "y\n")
        self.assertIn("endless", self.docker("ps").stdout)
        self.docker("rm", "-f", "web", "endless")

    def test_published_ports(self):
        self.docker("run", "-d", "--name", "web", "-p", "8080:80", "traefik/whoami")
        self.assertIn("-A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT "
                      "--to-destination 172.17.0.2:80\n", self.rules())
        self.assertIn("0.0.0.0:8080->80/tcp", self.docker("ps").stdout)
        self.assertEqual(self.docker("port", "web", "80").stdout, "0.0.0.0:8080\n")
        for address in ("127.0.0.1", "172.17.0.1"):
            answer = self.host("curl", "-s", "--max-time", "20", f"http://{address}:8080/").stdout
            self.assertIn("IP: 172.17.0.2\n", answer)
        # From another container by the host's address: through the rules, not the proxy.
        answer = self.docker("run", "--rm", "nicolaka/netshoot", "curl", "-s", "--max-time", "20",
                             "http://172.17.0.1:8080/").stdout
        self.assertIn("RemoteAddr: 172.17.0.", answer)
        taken = self.docker("run", "-d", "--name", "two", "-p", "8080:80", "nginx", check=False)
        self.assertEqual(taken.returncode, 125)
        self.assertIn("Bind for 0.0.0.0:8080 failed: port is already allocated", taken.stderr)
        self.docker("rm", "-f", "web", "two")
        self.assertNotIn("8080", self.rules())
        self.docker("run", "-d", "--rm", "--name", "any", "-p", "80", "nginx")
        self.assertRegex(self.docker("port", "any").stdout, r"^80/tcp -> 0\.0\.0\.0:49153\n$")
        self.docker("rm", "-f", "any")

    def test_networks_are_apart(self):
        # An engine that starts where nothing was routed says so: FORWARD's policy.
        self.docker("network", "create", "lab")
        self.assertIn(":FORWARD DROP ", self.rules())
        self.docker("run", "-d", "--name", "inside", "--network", "lab", "alpine", "sleep", "1000")
        self.docker("run", "-d", "--name", "outside", "alpine", "sleep", "1000")
        self.docker("run", "--rm", "--network", "lab", "alpine", "ping", "-c", "1", "-W", "10",
                    "172.18.0.2")
        self.host("iptables", "-Z", "DOCKER-ISOLATION-STAGE-2")
        cut = self.docker("exec", "outside", "ping", "-c", "1", "-W", "1", "172.18.0.2",
                          check=False)
        self.assertEqual(cut.returncode, 1, cut.stdout)
        self.assertRegex(self.host("iptables", "-nvL", "DOCKER-ISOLATION-STAGE-2").stdout,
                         r" 1 +84 DROP .* br-[0-9a-f]{12} ")
        self.docker("network", "connect", "--ip", "172.18.0.77", "lab", "outside")
        self.docker("exec", "outside", "ping", "-c", "1", "-W", "10", "172.18.0.2")
        self.assertIn("172.18.0.77/16", self.docker("exec", "outside", "ip", "-o", "-4", "addr",
                                                    "show", "eth1").stdout)
        inspected = json.loads(self.docker("network", "inspect", "lab").stdout)[0]
        self.assertEqual(sorted(c["IPv4Address"] for c in inspected["Containers"].values()),
                         ["172.18.0.2/16", "172.18.0.77/16"])
        busy = self.docker("network", "rm", "lab", check=False)
        self.assertIn("has active endpoints", busy.stderr)
        self.docker("network", "disconnect", "bridge", "outside")
        self.assertIn("default via 172.18.0.1 dev eth1", self.docker(
            "exec", "outside", "ip", "route").stdout)
        network = self.docker("network", "ls", "-q", "--filter", "name=lab").stdout.strip()
        self.docker("run", "-d", "--name", "by-id", "--network", network, "alpine", "sleep", "1000")
        self.assertEqual(self.docker("inspect", "-f", "{{.NetworkSettings.Networks.lab.IPAddress}}",
                                     "by-id").stdout, "172.18.0.3\n")
        self.docker("restart", "-t", "0", "outside")
        self.assertIn("172.18.0.77/16", self.docker("exec", "outside", "ip", "-o", "-4",
                                                    "addr").stdout)
        self.docker("network", "disconnect", "lab", "outside")
        self.docker("rm", "-f", "by-id")
        self.docker("rm", "-f", "inside", "outside")
        self.docker("network", "rm", "lab")
        self.assertNotIn("br-", self.host("ip", "-o", "link").stdout)
        self.assertNotIn("172.18.", self.rules())
        overlap = self.docker("network", "create", "--subnet", "172.17.3.0/24", "bad", check=False)
        self.assertIn("Pool overlaps", overlap.stderr)

    def test_joining_anothers_network(self):
        self.docker("run", "-d", "--name", "web", "nginx")
        joined = self.docker("run", "--rm", "--network", "container:web", "alpine", "sh", "-c",
                             "ip -o -4 addr show eth0; curl -s -o /dev/null -w '%{http_code}' "
                             "http://127.0.0.1/")
        self.assertIn("172.17.0.2/16", joined.stdout)
        self.assertTrue(joined.stdout.endswith("200"), joined.stdout)
        alone = self.docker("run", "--rm", "--network", "none", "alpine", "ip", "-o", "link").stdout
        self.assertEqual(alone.count("\n"), 1, alone)
        hosts = self.docker("run", "--rm", "--network", "host", "alpine", "ip", "-o", "link").stdout
        self.assertIn("docker0", hosts)
        self.docker("rm", "-f", "web")

    def test_restart_policy(self):
        self.docker("run", "-d", "--name", "loop", "--restart", "on-failure:2", "alpine", "false")
        wait_until("it was tried three times in all", lambda: self.docker(
            "inspect", "-f", "{{.RestartCount}} {{.State.Status}}",
            "loop").stdout == "2 exited\n")
        self.docker("run", "-d", "--name", "always", "--restart", "always", "alpine", "sleep",
                    "1000")
        first = self.docker("inspect", "-f", "{{.State.Pid}}", "always").stdout
        self.host("kill", "-9", first.strip())
        wait_until("it runs again", lambda: self.docker(
            "inspect", "-f", "{{.State.Running}}", "always").stdout == "true\n" and self.docker(
                "inspect", "-f", "{{.State.Pid}}", "always").stdout != first)
        self.docker("stop", "-t", "0", "always")
        time.sleep(1)  # ten times its first pause: nothing may come back
        self.assertEqual(self.docker("ps", "-q").stdout, "")
        self.docker("rm", "loop", "always")

    def test_a_killed_engine_loses_nothing(self):
        self.docker("run", "-d", "--name", "web", "-p", "8080:80", "nginx")
        before = self.docker("inspect", "-f", "{{.State.Pid}}", "web").stdout
        engine = self.host("sh", "-c", "cat /proc/[0-9]*/stat | grep '(dockerd)'").stdout
        self.host("kill", "-9", engine.split()[0])
        self.assertEqual(self.docker("network", "ls", "-q", "--filter", "name=bridge").returncode, 0)
        self.assertEqual(self.docker("inspect", "-f", "{{.State.Pid}}", "web").stdout, before)
        answer = self.host("curl", "-s", "--max-time", "20", "-o", "/dev/null", "-w",
                           "%{http_code}", "http://127.0.0.1:8080/").stdout
        self.assertEqual(answer, "200")
        self.docker("stop", "-t", "5", "web")
        self.docker("rm", "web")
        self.assertNotIn("8080", self.rules())

    def test_a_terminal(self):
        terminal = Terminal(HOPLAB, "--cluster", self.linux.name, "docker", "run", "-it", "--rm",
                            "--name", "shell", "alpine", "sh")
        terminal.expect(r"[#$] ")
        terminal.send("tty; echo $((40 + 2))\n")
        terminal.expect(r"/dev/pts/0\s+42")
        terminal.send("\x10\x11")  # Ctrl-P Ctrl-Q
        self.assertEqual(terminal.exit_code(), 0)
        self.assertIn("Up ", self.docker("ps", "--filter", "name=shell").stdout)
        again = Terminal(HOPLAB, "--cluster", self.linux.name, "docker", "attach", "shell")
        again.send("exit 5\n")
        self.assertEqual(again.exit_code(), 5)
        wait_until("--rm removed it", lambda: self.docker("ps", "-aq").stdout == "")

    def test_limits_and_files(self):
        os.makedirs(self.linux.folder, exist_ok=True)
        done = self.docker("run", "--rm", "-v", "data:/data", "alpine", "sh", "-c",
                           "echo kept > /data/file; cat /data/file")
        self.assertEqual(done.stdout, "kept\n")
        read_only = self.docker("run", "--rm", "-v", "data:/data:ro", "alpine", "sh", "-c",
                                "cat /data/file; echo no > /data/file", check=False)
        self.assertEqual(read_only.stdout, "kept\n")
        self.assertIn("Read-only file system", read_only.stderr)
        foreign = self.docker("run", "--rm", "-v", "/home:/x", "alpine", "ls", "/x", check=False)
        self.assertEqual(foreign.returncode, 125)
        self.assertIn("belongs to the computer that this lab runs on", foreign.stderr)
        env = self.docker("run", "--rm", "-e", "MOOD=fine", "-w", "/tmp", "-h", "box", "alpine",
                          "sh", "-c", "echo $MOOD $PWD $(hostname)")
        self.assertEqual(env.stdout, "fine /tmp box\n")
        user = self.docker("run", "--rm", "--user", "0:0", "--cap-drop", "ALL", "alpine", "grep",
                           "CapEff", "/proc/self/status")
        self.assertRegex(user.stdout, r"CapEff:\s+0{16}\n")


class DockerOnDemand(scenario.Case):
    def test_a_node_shows_its_pods(self):
        cluster = self.start()
        cluster.kubectl("run", "web", "--image=nginx", "--overrides",
                        '{"spec":{"nodeName":"k8s-w1"}}')
        cluster.kubectl("wait", "--for=condition=Ready", "pod/web", "--timeout=120s")
        listed = cluster.shell("k8s-w1", "bash", "-c", "docker ps | grep pause").stdout
        self.assertRegex(listed, r'k8s\.gcr\.io/pause:3\.5 +"/pause" .* k8s_POD_web_default_')
        names = cluster.shell("k8s-w1", "docker", "ps", "--format", "{{.Names}}").stdout
        self.assertRegex(names, r"(?m)^k8s_web_web_default_[0-9a-f-]+_0$")
        name = re.search(r"(?m)^k8s_web_web_default_\S+$", names)[0]
        self.assertIn("nginx: master", cluster.shell("k8s-w1", "docker", "top", name).stdout)
        # Looking starts no engine, and an engine leaves a node's routing alone.
        self.assertNotIn("docker0", cluster.shell("k8s-w1", "ip", "-o", "link").stdout)
        done = cluster.shell("k8s-w1", "docker", "run", "--rm", "alpine", "echo", "hello")
        self.assertEqual(done.stdout, "hello\n")
        self.assertIn(":FORWARD ACCEPT", cluster.shell("k8s-w1", "iptables-save").stdout)


scenario.main()
