"""Runs test rings of built folders and says at the end what each took, every skip with its reason,
every failure, and alone on the last line: N passed, N failed, N skipped.

    python3 -B tests/run_rings.py RING=BUILD...

Rings are CMake's labels: unit (units, goldens, the fuzz targets' inputs), kernel, system (the whole
executable). Kernel and system run as the caller and, when that is root, again as the ordinary user
hoplab-test. ONLY=regex chooses programs by name. What a program printed is shown when it fails, and
kept in BUILD/test-logs.
"""

import concurrent.futures
import json
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

USER = "hoplab-test"
SOURCE = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
WATCHDOG = 1200  # seconds after which a program is taken to hang


class Outcome:
    """What one program's tests came to."""

    def __init__(self):
        self.passed = 0
        self.failed = []   # names
        self.skipped = []  # (name, reason)

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped


def read_gtest(lines):
    found = Outcome()
    running, before = None, ""
    for line in lines:
        match = re.match(r"\[ +(RUN|OK|FAILED|SKIPPED) +\] ([\w./]+)", line)
        if not match:
            before = line.strip() or before
            continue
        what, name = match.group(1).strip(), match.group(2)
        if what == "RUN":
            running, before = name, ""
            continue
        if name != running:
            continue  # the summary at the end
        running = None
        if what == "OK":
            found.passed += 1
        elif what == "FAILED":
            found.failed.append(name)
        else:
            found.skipped.append((name, before))
    if running:
        found.failed.append(running + " (the program ended inside)")
    return found


def read_unittest(lines):
    found = Outcome()
    ran, name = 0, ""
    for line in lines:
        if match := re.match(r"(test\w*|setUpClass) \((\S+)\)", line):
            name = f"{match.group(1)} ({match.group(2)})"
        if match := re.search(r"skipped ['\"](.*)['\"]$", line):
            found.skipped.append((name, match.group(1)))
        elif match := re.match(r"(?:FAIL|ERROR): (.*)", line):
            found.failed.append(match.group(1))
        elif match := re.match(r"Ran (\d+) tests? in", line):
            ran += int(match.group(1))
    found.passed = max(0, ran - len(found.failed) - len(found.skipped))
    return found


def read_outcome(program, text, code):
    lines = text.splitlines()
    if any(line.startswith("[ RUN ") for line in lines):
        found = read_gtest(lines)
    elif any(line.startswith("Ran ") for line in lines):
        found = read_unittest(lines)
    else:
        found = Outcome()
        found.passed = 1 if code == 0 else 0
    found.skipped += [("", line[len("SKIPPED: "):]) for line in lines if line.startswith("SKIPPED: ")]
    if code != 0 and not found.failed:
        found.failed.append(f"exit code {code}" if code >= 0 else signal.Signals(-code).name)
    found.failed = [f"{program}: {name}" for name in found.failed]
    found.skipped = [(f"{program}: {name}".rstrip(": "), reason) for name, reason in found.skipped]
    return found


class Program:
    def __init__(self, name, command, folder):
        self.name, self.command, self.folder = name, command, folder


def programs(build, label):
    """What CMake knows as tests with that label."""
    text = subprocess.run(["ctest", "--test-dir", build, "-L", f"^{label}$", "--show-only=json-v1"],
                          check=True, capture_output=True, text=True).stdout
    out = []
    for test in json.loads(text)["tests"]:
        folder = {p["name"]: p["value"] for p in test["properties"]}["WORKING_DIRECTORY"]
        if re.search(os.environ.get("ONLY", ""), test["name"]):
            out.append(Program(test["name"], test["command"], folder))
    return out


class OrdinaryUser:
    """A copy of what the rings need that USER owns: the checkout may lie where only root reads."""

    def __init__(self, build):
        try:
            self.account = pwd.getpwnam(USER)
        except KeyError:
            subprocess.run(["useradd", "--create-home", "--shell", "/bin/bash", USER], check=True)
            self.account = pwd.getpwnam(USER)
        self.build = build
        self.copy = tempfile.mkdtemp(prefix="hoplab-test.")
        shutil.copytree(os.path.join(SOURCE, "tests"), self.copy + "/tests")
        for name in ("hoplab", "tools", "tests/kernel_test"):
            source, target = os.path.join(build, name), os.path.join(self.copy, os.path.basename(name))
            if os.path.isdir(source):
                shutil.copytree(source, target)
            elif os.path.exists(source):
                shutil.copy(source, target)
        subprocess.run(["chown", "-R", f"{USER}:", self.copy], check=True)

    def own(self, program):
        """The same program from the copy, as the user."""
        moved = []
        for word in program.command:
            if os.path.basename(word).startswith("python3"):
                word = "python3"  # root's own may lie where only root may go
            if word.startswith(self.build + "/"):
                word = os.path.join(self.copy, os.path.basename(word))
            moved.append(word.replace(SOURCE + "/tests", self.copy + "/tests"))
        kept = [f"{key}={value}" for key, value in os.environ.items() if key.startswith("HOPLAB_")]
        become = ["setpriv", "--reuid", USER, "--regid", USER, "--init-groups", "env", "-i",
                  "HOME=" + self.account.pw_dir, "USER=" + USER, "PATH=" + os.environ["PATH"],
                  "TERM=" + os.environ.get("TERM", "dumb"), *kept]
        folder = program.folder.replace(SOURCE + "/tests", self.copy + "/tests")
        return Program(program.name, become + moved, folder.replace(SOURCE, self.copy))

    def close(self):
        shutil.rmtree(self.copy, ignore_errors=True)


class Runner:
    def __init__(self):
        self.total = Outcome()
        self.times = []  # (ring, outcome, seconds)
        self.running = set()

    def stop(self, number, _frame):
        """Programs run in sessions of their own, so that a terminal's Ctrl-C does not reach them."""
        for pid in self.running:
            os.killpg(pid, signal.SIGTERM)
        os._exit(128 + number)

    def run_one(self, log, program):
        start = time.monotonic()
        with open(log, "wb") as file:
            process = subprocess.Popen(program.command, cwd=program.folder, stdin=subprocess.DEVNULL,
                                       stdout=file, stderr=subprocess.STDOUT, start_new_session=True)
            self.running.add(process.pid)
            try:
                code = process.wait(WATCHDOG)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                code = process.wait()
                file.write(f"\nNO END within {WATCHDOG} s\n".encode())
            self.running.remove(process.pid)
        with open(log, encoding="utf-8", errors="replace") as file:
            text = file.read()
        outcome = read_outcome(program.name, text, code)
        return program, outcome, text, log, time.monotonic() - start

    def ring(self, name, build, chosen, jobs):
        if not chosen:
            return
        print(f"== {name}", flush=True)
        logs = os.path.join(build, "test-logs", re.sub(r"\W+", "-", name))
        os.makedirs(logs, exist_ok=True)
        start = time.monotonic()
        sum_of_ring = Outcome()
        with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
            tasks = [pool.submit(self.run_one, f"{logs}/{program.name}.log", program)
                     for program in chosen]
            for task in concurrent.futures.as_completed(tasks):
                program, outcome, text, log, seconds = task.result()
                sum_of_ring.add(outcome)
                if outcome.failed:
                    print(text.rstrip())
                print(f"{'FAILED' if outcome.failed else 'ok':6} {program.name}: {counts(outcome)}"
                      f" ({seconds:.1f} s)" + (f", all of it in {log}" if outcome.failed else ""),
                      flush=True)
        sum_of_ring.failed = [f"{name}: {what}" for what in sum_of_ring.failed]
        sum_of_ring.skipped = [(f"{name}: {what}", why) for what, why in sum_of_ring.skipped]
        self.total.add(sum_of_ring)
        self.times.append((name, sum_of_ring, time.monotonic() - start))

    def report(self):
        print("\n== what it took")
        for name, outcome, seconds in self.times:
            print(f"{seconds:7.1f} s  {name}: {counts(outcome)}")
        if self.total.skipped:
            print("\n== SKIPPED")
        for name, reason in self.total.skipped:
            print(f"{name}: {reason}")
        if self.total.failed:
            print("\n== FAILED")
        for name in self.total.failed:
            print(name)
        print(f"\n{counts(self.total)}")
        return 0 if self.total.passed and not self.total.failed else 1


def counts(outcome):
    return (f"{outcome.passed} passed, {len(outcome.failed)} failed, "
            f"{len(outcome.skipped)} skipped")


def main():
    wanted = [argument.split("=", 1) for argument in sys.argv[1:]]
    if not wanted or any(len(pair) != 2 for pair in wanted):
        sys.exit(__doc__)
    # Debian's ordinary user has no sbin there, and a test without iptables only skips.
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    runner = Runner()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, runner.stop)
    me = pwd.getpwuid(os.geteuid()).pw_name
    for ring, folder in wanted:
        build = os.path.abspath(folder)
        chosen = programs(build, ring)
        jobs = os.cpu_count() if ring == "unit" else 1
        runner.ring(f"{ring} tests of {folder} as {me}", build, chosen, jobs)
        if ring != "unit" and os.geteuid() == 0:
            user = OrdinaryUser(build)
            try:
                runner.ring(f"{ring} tests of {folder} as the ordinary user {USER}", build,
                            [user.own(program) for program in chosen], jobs)
            finally:
                user.close()
    return runner.report()


if __name__ == "__main__":
    sys.exit(main())
