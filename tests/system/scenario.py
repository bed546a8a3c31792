"""What every whole-binary scenario shares: running hoplab, clusters of one's own, and the proof that
the computer is as before.

    import scenario

    class Pods(scenario.Case):
        def test_ping(self):
            cluster = self.start("-f", "linux")
            self.assertEqual(cluster.shell("linux", "hostname").stdout, "linux\n")

    scenario.main()

Runs as root and as an ordinary user, from any folder; argument 1 is the executable. Every cluster a
case starts is ended after the case, and then nothing of it may be left.
"""

import glob
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import unittest

HOPLAB = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else ""
_number = 0


def run(*argv, timeout=180, check=True, **more):
    """Runs a program; its output as text. A wrong exit code is a failure that shows everything."""
    done = subprocess.run(argv, capture_output=True, text=True, timeout=timeout, **more)
    if check and done.returncode != 0:
        raise AssertionError(
            f"{' '.join(argv)}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done


def runtime_folder():
    """The same choice as runtime/proc/sandbox_state.cc makes."""
    if os.geteuid() == 0:
        return "/run/hoplab"
    xdg = os.environ.get("XDG_RUNTIME_DIR", "")
    if xdg.startswith("/") and os.access(xdg, os.W_OK | os.X_OK):
        return xdg + "/hoplab"
    return f"/tmp/hoplab-{os.geteuid()}"


def kubectl_command():
    unpacked = os.path.join(os.path.dirname(HOPLAB), "tools", "kubectl")
    if os.access(unpacked, os.X_OK):
        return [unpacked]
    return ["kubectl"] if shutil.which("kubectl") else [HOPLAB, "kubectl"]


def wait_until(what, condition, seconds=120):
    """Polls until condition() is true; returns its value. The time is only for what never comes
    true: on a busy computer everything may take long."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"not within {seconds} s: {what}")


class Cluster:
    """One cluster with a name of its own."""

    def __init__(self, name=None, hoplab=None, **process):
        global _number
        _number += 1
        self.name = name or f"t{os.getpid()}-{_number}"
        self.hoplab_path = hoplab or HOPLAB
        self.process = process  # further arguments of subprocess.run, e.g. env
        self.traces = None

    def hoplab(self, *args, **more):
        return run(self.hoplab_path, "--cluster", self.name, *args, **{**self.process, **more})

    def up(self, *args, **more):
        done = self.hoplab("up", *args, **more)
        if done.returncode == 0:
            self.traces = Traces(self)
        return done

    def down(self, **more):
        return self.hoplab("down", **more)

    def shell(self, host, *command, **more):
        return self.hoplab("shell", host, "--", *command, **more)

    def outside(self, *command, **more):
        """A command in the outside view."""
        return self.hoplab("shell", "--sandbox", "--", *command, **more)

    def ping(self, host, address, **more):
        return self.shell(host, "ping", "-n", "-c", "1", "-W", "2", address, **more)

    def status(self):
        return json.loads(self.hoplab("status", "-o", "json").stdout)

    def cut_power(self, host):
        """Kills pid 1 of a host, and with it everything on it. It starts again by itself."""
        netns = self.shell(host, "readlink", "/proc/self/ns/net").stdout.strip()
        init = [pid for pid in children(self.state()["pid"])[1:]
                if os.readlink(f"/proc/{pid}/ns/net") == netns][0]
        os.kill(init, signal.SIGKILL)

    def kubectl(self, *args, **more):
        """The real kubectl where there is one, else our own, which speaks the same words."""
        env = {**os.environ, "KUBECONFIG": self.folder + "/kubeconfig"}
        return run(*kubectl_command(), *args, env=env, **more)

    @property
    def folder(self):
        return f"{runtime_folder()}/{self.name}"

    def state(self):
        with open(self.folder + "/state.json", encoding="utf-8") as file:
            return json.load(file)


def children(pid):
    out = [pid]
    for path in glob.glob(f"/proc/{pid}/task/*/children"):
        try:
            with open(path, encoding="ascii") as file:
                for child in file.read().split():
                    out += children(int(child))
        except OSError:
            pass  # it ended meanwhile
    return out


def _namespaces(pid):
    out = set()
    for kind in ("mnt", "pid", "net", "uts", "ipc", "user"):
        try:
            out.add(os.readlink(f"/proc/{pid}/ns/{kind}"))
        except OSError:
            pass  # it ended, or it is somebody else's
    return out


def alive(pid):
    """False for a zombie: it has ended, and the computer's own pid 1 takes it away when it likes."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


def _seconds_now():
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def _started(pid):
    """When it was started, in seconds after the computer's own start; 0 when it is gone."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return int(file.read().rsplit(")", 1)[1].split()[19]) / os.sysconf("SC_CLK_TCK")
    except OSError:
        return 0


def _listening_inodes(pids):
    sockets = set()
    for pid in pids:
        for path in glob.glob(f"/proc/{pid}/fd/*"):
            try:
                link = os.readlink(path)
            except OSError:
                continue
            if link.startswith("socket:["):
                sockets.add(link[8:-1])
    return sockets


class Traces:
    """Everything by which a running cluster can be recognised later: its namespaces, processes and
    sockets. `left()` says what of that is still there."""

    def __init__(self, cluster):
        self.cluster = cluster
        self.pids = children(cluster.state()["pid"])
        own = _namespaces("self")
        self.namespaces = set()
        for pid in self.pids:
            self.namespaces |= _namespaces(pid) - own
        self.sockets = _listening_inodes(self.pids)

    def left(self, ended=float("inf")):
        """`ended`: when the cluster had gone (_seconds_now). The kernel gives a namespace's number
        to a new one soon: what was started later has nothing to do with the cluster."""
        found = []
        for entry in os.listdir("/proc"):
            if (entry.isdigit() and alive(entry) and _namespaces(entry) & self.namespaces
                    and _started(entry) <= ended):
                try:
                    with open(f"/proc/{entry}/cmdline", encoding="utf-8") as file:
                        found.append(f"process {entry}: " + file.read().replace("\0", " "))
                except OSError:
                    pass
        for table in ("tcp", "tcp6", "udp", "udp6"):
            with open(f"/proc/net/{table}", encoding="ascii") as file:
                for line in file.readlines()[1:]:
                    if line.split()[9] in self.sockets:
                        found.append(f"{table} socket {line.split()[1]}")
        with open("/proc/net/unix", encoding="ascii") as file:
            found += [line.strip() for line in file if self.cluster.folder in line]
        for folder in (self.cluster.folder, *_cgroups(self.cluster.name)):
            if os.path.exists(folder):
                found.append(folder)
        return found


def _cgroups(cluster):
    return glob.glob(f"/sys/fs/cgroup/**/hoplab-{cluster}-*", recursive=True)


def _read_tree(root):
    out = {}
    for folder, _, files in os.walk(root):
        for name in files:
            path = os.path.join(folder, name)
            try:
                with open(path, encoding="utf-8", errors="replace") as file:
                    out[path] = file.read()
            except OSError:
                pass  # write-only, or not for us
    return out


def _listing(root):
    out = {}
    for folder, folders, files in os.walk(root):
        for name in folders + files:
            path = os.path.join(folder, name)
            try:
                info = os.lstat(path)
                out[path] = (info.st_mode, info.st_size, info.st_mtime_ns)
            except OSError:
                pass
    return out


def _firewall():
    """All rules, without counters. Only root may read them, and nobody else could change them."""
    if os.geteuid() != 0 or not shutil.which("iptables-save"):
        return []
    lines = run("iptables-save").stdout.splitlines()
    return [re.sub(r"\[\d+:\d+\]$", "", line) for line in lines if not line.startswith("#")]


def _ip(*args):
    lines = run("ip", "-o", *args).stdout.splitlines()
    return [line for line in lines if "valid_lft" not in line or "forever" in line]


def snapshot():
    """The computer as far as a lab could touch it. Compare two with Case.assert_same."""
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        mounts = file.read().splitlines()
    return {
        "links": _ip("link"),
        "addresses": _ip("addr"),
        "routes": _ip("route", "show", "table", "all") + _ip("-6", "route", "show", "table", "all"),
        "rules": _ip("rule"),
        "firewall": _firewall(),
        # The others come and go with the computer's own traffic.
        "permanent neighbors": _ip("neigh", "show", "nud", "permanent"),
        "sysctls": {**_read_tree("/proc/sys/net/ipv4"), **_read_tree("/proc/sys/net/bridge")},
        "mounts": mounts,
        "named namespaces": sorted(glob.glob("/run/netns/*") + glob.glob("/var/run/netns/*")),
        "/etc": _listing("/etc"),
    }


class Case(unittest.TestCase):
    """Checks around each test that the computer is as before."""

    maxDiff = None

    def setUp(self):
        self.clusters = []
        self.before = snapshot()

    def tearDown(self):
        for cluster in self.clusters:
            cluster.down()
        for cluster in self.clusters:
            self.assert_nothing_left(cluster)
        self.assert_same(self.before, snapshot())

    def cluster(self, **more):
        """A cluster that will be ended after the test."""
        cluster = Cluster(**more)
        self.clusters.append(cluster)
        return cluster

    def start(self, *args, **more):
        """A cluster that is up."""
        cluster = self.cluster(**more)
        cluster.up(*args)
        return cluster

    def assert_nothing_left(self, cluster):
        if cluster.traces is not None:
            # A process that has ended for everybody else may still be in the kernel's exit path.
            ended, end = _seconds_now(), time.monotonic() + 10
            while (left := cluster.traces.left(ended)) and time.monotonic() < end:
                time.sleep(0.05)
            self.assertEqual(left, [], f"left of {cluster.name}")
        self.assertFalse(os.path.exists(cluster.folder), cluster.folder)

    def assert_same(self, before, after):
        for part, value in before.items():
            self.assertEqual(value, after[part], f"{part} differ from before")


def main():
    if not HOPLAB or not os.access(HOPLAB, os.X_OK):
        sys.exit(f"usage: {sys.argv[0]} HOPLAB [test names]")
    del sys.argv[1]
    unittest.main(module="__main__", verbosity=2)
