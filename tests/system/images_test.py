"""The built-in images nginx and traefik/whoami, run by a real node-init in namespaces of its own."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest

HOPLAB = os.path.abspath(sys.argv.pop(1))


class Node:
    """`hoplab node-init` as pid 1 of fresh namespaces; speaks its protocol (container_wire.h)."""

    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix="hoplab-images-")
        with open(self.directory + "/node.json", "w") as config:
            json.dump({"host": "node", "cluster": "images-%d" % os.getpid()}, config)
        command = ["unshare", "-mnpfiu", "--kill-child", "--mount-proc"]
        if os.geteuid() != 0:
            command.insert(1, "-Ur")
        command += [HOPLAB, "node-init", "--config", self.directory + "/node.json"]
        self.process = subprocess.Popen(command)
        self.socket_path = self.directory + "/node.sock"
        deadline = time.time() + 10
        while not os.path.exists(self.socket_path):
            if self.process.poll() is not None or time.time() > deadline:
                raise unittest.SkipTest("namespaces are closed here (unshare failed)")
            time.sleep(0.01)

    def close(self):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.directory)

    @staticmethod
    def receive(connection):
        text, descriptors = b"", []
        while True:
            packet, fds, _, _ = socket.recv_fds(connection, 1 << 16, 8)
            text += packet[1:]
            descriptors += fds
            if packet[:1] != b"\1":
                return json.loads(text), descriptors

    def call(self, op, **fields):
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection:
            connection.connect(self.socket_path)
            connection.send(b"\0" + json.dumps({"op": op, **fields}).encode())
            answer, descriptors = self.receive(connection)
            for fd in descriptors:
                os.close(fd)
            return answer

    def run(self, container, image, **spec):
        spec.update(id=container, sandboxId="pod", image=image,
                    log={"path": self.directory + "/" + container + ".log"})
        return self.call("start_container", spec=spec)["container"]

    def sh(self, container, script):
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection:
            connection.connect(self.socket_path)
            request = {"op": "exec", "spec": {"containerId": container,
                                              "command": ["sh", "-c", "exec 2>&1; " + script]}}
            connection.send(b"\0" + json.dumps(request).encode())
            answer, descriptors = self.receive(connection)
            if not descriptors:
                raise AssertionError(answer)
            os.close(descriptors[1])
            with os.fdopen(descriptors[0], newline="") as output:
                return output.read()

    def wait_exit(self, container):
        deadline = time.time() + 20
        while time.time() < deadline:
            status = self.call("status", id=container)["container"]
            if status["state"] == "exited":
                return status
            time.sleep(0.02)
        raise AssertionError(container + " does not end")

    def log(self, container):
        with open(self.directory + "/" + container + ".log") as log:
            return log.read()

    def curl(self, container, arguments):
        for _ in range(200):
            text = self.sh(container, "curl -s " + arguments)
            if text:
                return text
            time.sleep(0.02)
        raise AssertionError("no answer to curl " + arguments)


@unittest.skipUnless(shutil.which("unshare") and shutil.which("curl") and shutil.which("ps"),
                     "needs unshare, curl and ps")
class Images(unittest.TestCase):
    def setUp(self):
        self.node = Node()
        self.addCleanup(self.node.close)
        self.node.call("run_sandbox", spec={"id": "pod", "hostname": "web-0"})

    def test_whoami(self):
        status = self.node.run("w", "docker.io/traefik/whoami:v1.6",
                               env=[{"name": "WHOAMI_NAME", "value": "blue"}])
        self.assertEqual(status["state"], "running", status)
        text = self.node.curl("w", "127.0.0.1/a?b=c")
        self.assertRegex(text, r"\AName: blue\nHostname: web-0\nIP: 127\.0\.0\.1\n(IP: .*\n)*"
                               r"RemoteAddr: 127\.0\.0\.1:\d+\nGET /a\?b=c HTTP/1\.1\r\n"
                               r"Host: 127\.0\.0\.1\r\nUser-Agent: curl/[\d.]+\r\n"
                               r"Accept: \*/\*\r\n\r\n\Z")
        api = json.loads(self.node.curl("w", "127.0.0.1/api"))
        self.assertEqual((api["hostname"], api["name"], api["url"]), ("web-0", "blue", "/api"))
        health = "-o /dev/null -w '%{http_code}' 127.0.0.1/health"
        self.assertEqual(self.node.curl("w", health), "200")
        self.node.sh("w", "curl -s -X POST -d 503 127.0.0.1/health")
        self.assertEqual(self.node.curl("w", health), "503")
        self.assertIn("whoami", self.node.sh("w", "cat /proc/1/comm"))
        self.node.call("stop_container", id="w", graceMillis=10000)
        self.assertEqual(self.node.wait_exit("w")["exitCode"], 0, "SIGTERM ends it cleanly")

    def test_nginx(self):
        status = self.node.run("n", "nginx:1.21")
        self.assertEqual(status["state"], "running", status)
        page = self.node.curl("n", "-i 127.0.0.1")
        self.assertIn("<h1>Welcome to nginx!</h1>", page)
        self.assertRegex(page, r"(?m)^Server: nginx/1\.\d+\.\d+\r$")
        lines = [line.strip() for line in self.node.sh("n", "ps -eo args").splitlines()]
        self.assertIn("nginx: master process nginx -g daemon off;", lines)
        self.assertEqual(lines.count("nginx: worker process"), 2, lines)
        self.assertRegex(self.node.log("n"), r'stdout F 127\.0\.0\.1 - - \[.*\] "GET / HTTP/1\.1" 200')
        second = self.node.run("second", "nginx")
        self.assertEqual(second["state"], "running")
        self.assertEqual(self.node.wait_exit("second")["exitCode"], 1)
        self.assertIn("bind() to 0.0.0.0:80 failed (98: Address already in use)",
                      self.node.log("second"))
        # A worker that dies is replaced, and the page comes all the time.
        workers = "cat /proc/1/task/1/children"
        before = set(self.node.sh("n", workers).split())
        victim = next(iter(before))
        self.node.sh("n", "kill -9 " + victim)
        for _ in range(200):
            after = set(self.node.sh("n", workers).split())
            if len(after) == 2 and victim not in after:
                break
            time.sleep(0.02)
        self.assertEqual((len(after), victim in after), (2, False))
        self.assertIn("Welcome", self.node.curl("n", "127.0.0.1"))
        self.node.call("stop_container", id="n", graceMillis=10000)
        self.assertEqual(self.node.wait_exit("n")["exitCode"], 0, "the image's SIGQUIT is clean")

    def test_pause_and_unknown(self):
        self.assertEqual(self.node.run("p", "k8s.gcr.io/pause:3.5")["state"], "running")
        self.assertIn("/pause", self.node.sh("p", "ps -eo args"))
        answer = self.node.call("start_container", spec={"id": "x", "sandboxId": "pod",
                                                         "image": "mysql:8"})
        self.assertEqual(answer["error"]["code"], "not found")
        self.assertTrue(re.search("nginx, traefik/whoami", answer["error"]["message"]))


if __name__ == "__main__":
    unittest.main()
