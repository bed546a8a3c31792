"""A terminal for programs under test."""

import os
import pty
import re
import select
import time


class Terminal:
    """`hoplab shell` on a terminal of its own, as a person has it."""

    def __init__(self, *argv):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ["TERM"] = "dumb"
            os.execv(argv[0], argv)
        self.text = ""

    def expect(self, pattern, seconds=120):
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
        end = time.monotonic() + 120
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
