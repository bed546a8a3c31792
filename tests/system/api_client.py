"""The API of a running cluster over HTTPS with the kubeconfig's client certificate. For scenarios that
ask so much that a kubectl for each request would be too slow.

A request that gets no answer (the server was killed) is sent again; Answer.repeated says so: the
first one may have been carried out without its answer having arrived.
"""

import base64
import collections
import http.client
import json
import os
import re
import ssl
import tempfile
import time

Answer = collections.namedtuple("Answer", "status body repeated")

_FOLDERS = {"deployments": "/apis/apps/v1", "replicasets": "/apis/apps/v1",
            "daemonsets": "/apis/apps/v1", "ipamblocks": "/apis/crd.projectcalico.org/v1",
            "ipamhandles": "/apis/crd.projectcalico.org/v1",
            "endpointslices": "/apis/discovery.k8s.io/v1"}


def _credential(text, name):
    return base64.b64decode(re.search(rf"{name}: (\S+)", text).group(1)).decode("ascii")


class Client:
    def __init__(self, kubeconfig):
        with open(kubeconfig, encoding="ascii") as file:
            text = file.read()
        self.port = int(re.search(r"server: https://127\.0\.0\.1:(\d+)", text).group(1))
        self.context = ssl.create_default_context(
            cadata=_credential(text, "certificate-authority-data"))
        handle, path = tempfile.mkstemp()
        try:
            with os.fdopen(handle, "w") as file:
                file.write(_credential(text, "client-certificate-data"))
                file.write("\n" + _credential(text, "client-key-data"))
            self.context.load_cert_chain(path)
        finally:
            os.unlink(path)
        self.connection = None

    def request(self, verb, path, body=None, seconds=30):
        end = time.monotonic() + seconds
        repeated = False
        while True:
            try:
                return Answer(*self._once(verb, path, body), repeated)
            except (OSError, http.client.HTTPException) as error:
                self.close()
                if time.monotonic() > end:
                    raise AssertionError(f"{verb} {path}: no answer for {seconds} s: {error!r}")
                repeated = True
                time.sleep(0.05)

    def _once(self, verb, path, body):
        if self.connection is None:
            self.connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=10,
                                                          context=self.context)
        kind = "application/merge-patch+json" if verb == "PATCH" else "application/json"
        self.connection.request(verb, path, None if body is None else json.dumps(body),
                                {"Content-Type": kind})
        answer = self.connection.getresponse()
        return answer.status, json.loads(answer.read())

    def close(self):
        if self.connection is not None:
            self.connection.close()
        self.connection = None

    def list(self, resource, namespace=None):
        folder = _FOLDERS.get(resource, "/api/v1")
        inside = f"/namespaces/{namespace}" if namespace else ""
        answer = self.request("GET", f"{folder}{inside}/{resource}")
        assert answer.status == 200, answer
        return answer.body["items"]


def path(resource, name=None, namespace="default"):
    folder = f"{_FOLDERS.get(resource, '/api/v1')}/namespaces/{namespace}/{resource}"
    return f"{folder}/{name}" if name else folder
