"""The API server on its own against what no kubectl sends: huge and half-open requests, strangers,
kill -9, a stop in the middle of watches."""

import http.client
import json
import signal
import socket
import ssl
import sys
import time
import unittest

from control_plane import Server


class ServerCase(unittest.TestCase):
    """What no kubectl sends."""

    def setUp(self):
        self.server = Server()
        self.addCleanup(self.server.close)

    def context(self):
        context = ssl.create_default_context(cafile=self.server.dir + "/pki/ca.crt")
        context.load_cert_chain(self.server.dir + "/pki/admin.crt", self.server.dir + "/pki/admin.key")
        return context

    def request(self, method, path, body=None, headers=None):
        c = http.client.HTTPSConnection("127.0.0.1", self.server.port, timeout=20, context=self.context())
        c.request(method, path, body, headers or {})
        answer = c.getresponse()
        text = answer.read()
        c.close()
        return answer.status, text

    def test_ten_megabytes_are_refused(self):
        status, text = self.request("POST", "/api/v1/namespaces", b" " * 10_000_000,
                                    {"Content-Type": "application/json"})
        self.assertEqual((status, json.loads(text)["reason"]), (413, "RequestEntityTooLarge"))

    def test_half_open_connections_do_not_matter(self):
        idle = [socket.create_connection(("127.0.0.1", self.server.port)) for _ in range(200)]
        half = self.context().wrap_socket(socket.create_connection(("127.0.0.1", self.server.port)),
                                          server_hostname="127.0.0.1")
        half.sendall(b"POST /api/v1/namespaces HTTP/1.1\r\nContent-Length: 100\r\n\r\n{")
        started = time.monotonic()
        self.assertEqual(self.request("GET", "/api/v1/namespaces")[0], 200)
        self.assertLess(time.monotonic() - started, 2)
        half.close()
        for s in idle:
            s.close()

    def test_what_was_acknowledged_survives_a_kill(self):
        for i in range(20):
            body = json.dumps({"metadata": {"name": f"n{i}"}})
            self.assertEqual(self.request("POST", "/api/v1/namespaces", body)[0], 201)
        self.server.stop(signal.SIGKILL)
        self.server.start()
        names = [o["metadata"]["name"] for o in json.loads(self.request("GET", "/api/v1/namespaces")[1])["items"]]
        self.assertLessEqual({f"n{i}" for i in range(20)}, set(names))

    def test_stops_quickly_with_open_watches(self):
        context = self.context()
        watches = []
        for _ in range(20):
            c = http.client.HTTPSConnection("127.0.0.1", self.server.port, timeout=20, context=context)
            c.request("GET", "/api/v1/pods?watch=true")
            watches.append((c, c.getresponse()))
        started = time.monotonic()
        self.assertEqual(self.server.stop(), 0)
        self.assertLess(time.monotonic() - started, 3)
        for c, answer in watches:
            answer.read()  # Ends cleanly.
            c.close()
        self.server.start()

    def test_a_stranger_gets_nothing(self):
        self.assertEqual(self.server.get("/version"), 200)
        for path in ("/api", "/api/v1/secrets", "/apis/apps/v1/deployments"):
            self.assertEqual(self.server.get(path), 401)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]] + sys.argv[2:])
