"""What a container costs: run to its end, 50 started, 50 removed; podman in the same run, if any.

    python3 -B tests/bench/docker_bench.py build/release/hoplab [ROUNDS]
"""

import json
import os
import statistics
import subprocess
import sys

HOPLAB = os.path.abspath(sys.argv[1])
ROUNDS = int(sys.argv[2]) if len(sys.argv) > 2 else 20

# Runs on the host of the lab, where `docker` is one process and no namespace has to be entered.
MEASURE = """
import json, subprocess, sys, time
rounds = int(sys.argv[1])
def took(*argv):
    start = time.perf_counter()
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)
    return (time.perf_counter() - start) * 1000
took("docker", "run", "--rm", "busybox", "true")
out = {"run": [took("docker", "run", "--rm", "busybox", "true") for _ in range(rounds)],
       "nothing": [took("hoplab", "version") for _ in range(rounds)]}
names = [f"c{i}" for i in range(50)]
out["start"] = [took("docker", "run", "-d", "--name", n, "busybox", "sleep", "1000") for n in names]
out["remove"] = [took("docker", "rm", "-f", *names) / 50]
print(json.dumps(out))
"""


def podman():
    """The same with podman, root's own; nothing when it is not there or has no image."""
    image = os.environ.get("PODMAN_IMAGE", "")
    if not image:
        return "podman: not measured (set PODMAN_IMAGE to an image that it has)"
    argv = ["podman", "run", "--rm", image, "true"]
    import time  # pylint: disable=import-outside-toplevel
    times = []
    for _ in range(max(3, ROUNDS // 4)):
        start = time.perf_counter()
        subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)
        times.append((time.perf_counter() - start) * 1000)
    return f"podman run --rm: {statistics.median(times):.1f} ms"


def main():
    cluster = [HOPLAB, "--cluster", f"bench{os.getpid()}"]
    subprocess.run([*cluster, "up", "-f", "linux"], check=True, stdout=subprocess.DEVNULL)
    try:
        done = subprocess.run([*cluster, "shell", "linux", "--", "python3", "-c", MEASURE,
                               str(ROUNDS)], check=True, stdout=subprocess.PIPE, text=True)
        times = json.loads(done.stdout)
    finally:
        subprocess.run([*cluster, "down"], check=True, stdout=subprocess.DEVNULL)
    for key, what, reach in (("run", "docker run --rm, start to exit", 25),
                             ("start", "docker run -d, each of 50", 4),
                             ("remove", "docker rm -f of 50, each", 1.5),
                             ("nothing", "hoplab version: a process that does nothing", None)):
        figure = statistics.median(times[key])
        goal = f"  (reach {reach} ms)" if reach else ""
        print(f"{what}: {figure:.2f} ms{goal}")
    print(podman())


main()
