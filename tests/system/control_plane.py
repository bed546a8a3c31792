"""`hoplab server` alone, on a loopback port, with a store that is thrown away. For scenarios."""

import http.client
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time

HOPLAB = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else "hoplab"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="hoplab-kubectl-")
        self.port = free_port()
        self.process = None
        self.start()

    def start(self):
        log = os.path.join(self.dir, "log")
        with open(log, "a", encoding="utf-8") as file:
            self.process = subprocess.Popen(
                [HOPLAB, "server", "--listen", f"127.0.0.1:{self.port}", "--pki", self.dir + "/pki",
                 "--store", self.dir + "/store.db"], stderr=file)
        for _ in range(500):
            if self.get("/readyz") == 200:
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        raise RuntimeError("the server does not start: " + open(log, encoding="utf-8").read())

    def get(self, path):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        c = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=3, context=context)
        try:
            c.request("GET", path)
            return c.getresponse().status
        except OSError:
            return None
        finally:
            c.close()

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        return self.process.wait(timeout=10)

    def close(self):
        self.stop()
        shutil.rmtree(self.dir)
