"""Pods as a learner sees them: states, words, exit codes, probes, volumes, limits."""

import json

import scenario
from pod_case import FOREVER, Pods, pod, sh


class Ends(Pods):
    def test_exit_codes_and_policies(self):
        self.apply(pod("good", sh("exit 0"), restartPolicy="Never"),
                   pod("bad", sh("echo last words; exit 3"), restartPolicy="Never"),
                   pod("killed", sh("kill -9 $$; exec sleep 1000"), restartPolicy="Never"),
                   pod("missing", {"command": ["no-such-program"]}, restartPolicy="Never"),
                   pod("again", sh("test -e /work/x && exit 0; touch /work/x; exit 1",
                                   volumeMounts=[{"name": "w", "mountPath": "/work"}]),
                       restartPolicy="OnFailure", volumes=[{"name": "w", "emptyDir": {}}]))
        self.assertEqual(self.wait_state("good", "terminated", "Completed")["exitCode"], 0)
        self.assertEqual(self.wait_state("bad", "terminated", "Error")["exitCode"], 3)
        end = self.wait_state("missing", "terminated", "ContainerCannotRun")
        self.assertEqual(end["exitCode"], 127)
        self.assertIn('exec: "no-such-program": executable file not found in $PATH',
                      end["message"])
        self.assertEqual(self.wait_state("again", "terminated", "Completed")["exitCode"], 0)
        self.assertEqual(self.container("again")["restartCount"], 1)
        self.wait_for("phases", lambda: [self.get(n)["status"]["phase"] for n in (
            "good", "bad", "missing", "again")] == ["Succeeded", "Failed", "Failed", "Succeeded"])
        self.assertEqual(self.status_column("good"), ("0/1", "Completed"))
        self.assertEqual(self.status_column("bad"), ("0/1", "Error"))
        self.assertEqual(self.c.kubectl("logs", "bad").stdout, "last words\n")
        # pid 1 of a pid namespace cannot be killed from inside: as in Docker, it goes on.
        self.assertIn("running", self.container("killed")["state"])

    def test_crash_loop(self):
        self.apply(pod("loop", sh("echo run $(date +%N); exit 1")))
        waiting = self.wait_state("loop", "waiting", "CrashLoopBackOff")
        uid = self.get("loop")["metadata"]["uid"]
        self.assertRegex(waiting["message"],
                         rf"^back-off \d+s restarting failed container=c pod=loop_default\({uid}\)$")
        status = self.container("loop")
        self.assertEqual(status["lastState"]["terminated"]["exitCode"], 1)
        self.assertEqual(self.get("loop")["status"]["phase"], "Running")
        self.assertEqual(self.status_column("loop")[1], "CrashLoopBackOff")
        self.wait_event("loop", "Warning", "BackOff", "Back-off restarting failed container")
        # The run that has just ended is the last one and the previous one.
        self.assertEqual(self.c.kubectl("logs", "loop").stdout,
                         self.c.kubectl("logs", "loop", "--previous").stdout)

    def test_previous_log(self):
        self.apply(pod("twice", sh("echo $(ls /w | wc -l); test -e /w/x && exec sleep 1000; "
                                   "touch /w/x; exit 1",
                                   volumeMounts=[{"name": "w", "mountPath": "/w"}]),
                       volumes=[{"name": "w", "emptyDir": {}}]))
        self.wait_for("the second run", lambda: self.container("twice")["restartCount"] == 1 and
                      "running" in self.container("twice")["state"])
        self.assertEqual(self.c.kubectl("logs", "twice").stdout, "1\n")
        self.assertEqual(self.c.kubectl("logs", "twice", "--previous").stdout, "0\n")
        self.assertEqual(self.container("twice")["lastState"]["terminated"]["exitCode"], 1)

    def test_out_of_memory(self):
        self.apply(pod("greedy", sh("head -c 200m /dev/zero | tail | wc -c; sleep 1000",
                                    resources={"limits": {"memory": "20Mi"}}),
                       restartPolicy="Never"),
                   pod("hog", {"command": ["python3", "-c", "x = bytearray(200 << 20)"],
                               "resources": {"limits": {"memory": "40Mi"}}},
                       restartPolicy="Never"))
        self.wait_for("hog ran", lambda: "terminated" in self.container("hog")["state"])
        if any(reason == "NotHonoured" for _, reason, _ in self.events("hog")):
            self.skipTest("no memory controller can be written here")
        end = self.container("hog")["state"]["terminated"]
        self.assertEqual((end["reason"], end["exitCode"]), ("OOMKilled", 137))
        self.assertEqual(self.status_column("hog")[1], "OOMKilled")


class Images(Pods):
    def test_what_is_not_there(self):
        self.apply(pod("pull", {"image": "redis:6"}),
                   pod("never", {"image": "redis:6", "imagePullPolicy": "Never"}),
                   pod("badname", {"image": "Redis"}))
        message = self.wait_state("pull", "waiting", "ErrImagePull")["message"]
        self.assertIn("nginx", message)
        self.assertIn("is waiting to start", self.c.kubectl("logs", "pull", check=False).stderr)
        self.assertEqual(self.wait_state("pull", "waiting", "ImagePullBackOff")["message"],
                         'Back-off pulling image "redis:6"')
        self.wait_event("pull", "Warning", "Failed", "Error: ImagePullBackOff")
        reasons = {(kind, reason) for kind, reason, _ in self.events("pull")}
        self.assertLessEqual({("Normal", "Pulling"), ("Warning", "Failed"), ("Normal", "BackOff")},
                             reasons)
        self.wait_state("never", "waiting", "ErrImageNeverPull")
        self.wait_state("badname", "waiting", "InvalidImageName")
        self.assertEqual(self.get("pull")["status"]["phase"], "Pending")
        # The image is corrected in place, as `kubectl set image` does it.
        self.c.kubectl("patch", "pod", "pull", "-p",
                       '{"spec":{"containers":[{"name":"c","image":"nginx"}]}}')
        self.wait_ready("pull")
        self.assertEqual(self.container("pull")["restartCount"], 0)

    def test_nginx_has_a_master_and_two_workers(self):
        self.apply(pod("web", {"image": "nginx"}))
        self.wait_ready("web")
        lines = self.exec("web", "ps", "aux").splitlines()
        self.assertEqual(len([l for l in lines if "nginx: master process" in l]), 1)
        self.assertEqual(len([l for l in lines if "nginx: worker process" in l]), 2)
        self.assertIn("Welcome to nginx!", self.exec("web", "curl", "-s", "127.0.0.1"))


class Starts(Pods):
    def test_init_containers(self):
        share = [{"name": "w", "mountPath": "/w"}]
        self.apply(pod("staged", sh(f"cat /w/log; {FOREVER}", volumeMounts=share),
                       initContainers=[
                           sh("echo one >> /w/log", name="i1", image="busybox", volumeMounts=share),
                           sh("echo two >> /w/log", name="i2", image="busybox",
                              volumeMounts=share)],
                       volumes=[{"name": "w", "emptyDir": {}}]),
                   pod("stuck", sh("exit 0"), initContainers=[
                       sh("exit 7", name="i", image="busybox")]),
                   pod("over", sh("exit 0"), restartPolicy="Never", initContainers=[
                       sh("exit 7", name="i", image="busybox")]))
        self.wait_ready("staged")
        self.assertEqual(self.c.kubectl("logs", "staged").stdout, "one\ntwo\n")
        self.wait_for("Init:CrashLoopBackOff",
                      lambda: self.status_column("stuck")[1] == "Init:CrashLoopBackOff")
        self.assertEqual(self.container("stuck")["state"]["waiting"]["reason"], "PodInitializing")
        self.wait_for("Init:Error", lambda: self.status_column("over")[1] == "Init:Error")
        self.assertEqual(self.get("over")["status"]["phase"], "Failed")

    def test_missing_sources(self):
        self.apply(pod("env", sh(FOREVER, env=[{"name": "A", "valueFrom": {"configMapKeyRef": {
            "name": "late", "key": "a"}}}])),
                   pod("vol", sh(FOREVER, volumeMounts=[{"name": "v", "mountPath": "/v"}]),
                       volumes=[{"name": "v", "configMap": {"name": "late"}}]))
        self.assertEqual(self.wait_state("env", "waiting", "CreateContainerConfigError")["message"],
                         'configmap "late" not found')
        self.wait_event("env", "Warning", "Failed", 'Error: configmap "late" not found')
        self.wait_event("vol", "Warning", "FailedMount", 'MountVolume.SetUp failed for volume "v" '
                        ': configmap "late" not found')
        self.assertEqual(self.status_column("vol")[1], "ContainerCreating")
        self.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "late"},
                    "data": {"a": "1"}})
        self.wait_ready("env", "vol")
        self.assertEqual(self.exec("vol", "cat", "/v/a"), "1")
        self.assertEqual(self.exec("vol", "readlink", "/v/a"), "..data/a\n")

    def test_probes(self):
        ready = {"exec": {"command": ["test", "-e", "/tmp/ready"]}, "periodSeconds": 1,
                 "failureThreshold": 1}
        self.apply(
            pod("gate", sh(FOREVER, readinessProbe=ready)),
            pod("live", {"image": "nginx", "livenessProbe": {
                "httpGet": {"path": "/none", "port": 80}, "periodSeconds": 1,
                "failureThreshold": 2}}),
            pod("tcp", {"image": "nginx", "ports": [{"name": "http", "containerPort": 80}],
                        "readinessProbe": {"tcpSocket": {"port": "http"}}}),
            pod("closed", sh(FOREVER, readinessProbe={"tcpSocket": {"port": 81},
                                                      "periodSeconds": 1})),
            pod("slow", sh(FOREVER, startupProbe={"exec": {"command": ["test", "-e", "/tmp/up"]},
                                                  "periodSeconds": 1, "failureThreshold": 1000})))
        self.wait_ready("tcp")
        self.wait_for("slow runs", lambda: "running" in self.container("slow")["state"])
        self.assertEqual((self.container("slow")["ready"], self.container("slow")["started"]),
                         (False, False))
        self.exec("slow", "touch", "/tmp/up")
        self.wait_ready("slow")
        self.wait_for("gate's probe failed", lambda: any(
            reason == "Unhealthy" and message.startswith("Readiness probe failed: ")
            for _, reason, message in self.events("gate")))
        self.assertEqual(self.status_column("gate"), ("0/1", "Running"))
        self.exec("gate", "touch", "/tmp/ready")
        self.wait_ready("gate")
        self.exec("gate", "rm", "/tmp/ready")
        self.wait_for("gate is out again", lambda: not self.container("gate")["ready"])
        self.wait_for("live was restarted", lambda: self.container("live")["restartCount"] > 0)
        self.wait_event("live", "Normal", "Killing",
                        "Container c failed liveness probe, will be restarted")
        self.wait_event("live", "Warning", "Unhealthy",
                        "Liveness probe failed: HTTP probe failed with statuscode: 404")
        self.assertFalse(self.container("closed")["ready"])
        address = self.get("closed")["status"]["podIP"]
        self.wait_event("closed", "Warning", "Unhealthy",
                        f"Readiness probe failed: dial tcp {address}:81: connect: connection refused")
        self.assertEqual(
            {event["involvedObject"].get("fieldPath") for event in self.event_objects("closed")
             if event["reason"] in ("Created", "Started", "Unhealthy")}, {"spec.containers{c}"})

    def test_probes_over_https_take_any_certificate(self):
        page = ("cd /tmp && openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=x -days 1 "
                "-keyout k -out c 2>/dev/null && exec openssl s_server -quiet -www -key k -cert c "
                "-accept 8443")
        probe = {"httpGet": {"port": 8443, "scheme": "HTTPS"}, "periodSeconds": 1}
        self.apply(pod("tls", sh(page, readinessProbe=probe)),
                   pod("none", sh(FOREVER, readinessProbe=probe)))
        self.wait_ready("tls")
        self.wait_for("it is refused", lambda: self.get("none")["status"].get("podIP"))
        address = self.get("none")["status"]["podIP"]
        self.wait_event("none", "Warning", "Unhealthy",
                        f'Readiness probe failed: Get "https://{address}:8443/": dial tcp '
                        f"{address}:8443: connect: connection refused")

    def test_a_probe_that_hangs_is_ended(self):
        self.apply(pod("hung", sh(FOREVER, readinessProbe={
            "exec": {"command": ["sh", "-c", "sleep 4321 & sleep 4321"]}, "periodSeconds": 1})))
        # Each probe starts two. Were those of ended probes left, five probes would leave ten for
        # good; two probes at most are under way or just ended.
        self.wait_for("it timed out five times", lambda: self.times("hung", "timed out") >= 5)
        self.wait_for("the ended probes' processes are gone",
                      lambda: self.exec("hung", "ps", "ax").count("sleep 4321") <= 4)


class Security(Pods):
    def test_security_context(self):
        self.apply(
            pod("readonly", sh(FOREVER, securityContext={"readOnlyRootFilesystem": True})),
            pod("plain", sh(FOREVER)),
            pod("dropped", sh(FOREVER, securityContext={
                "capabilities": {"drop": ["ALL"]}, "allowPrivilegeEscalation": False})),
            pod("mighty", sh(FOREVER, securityContext={"privileged": True})))
        self.wait_ready("readonly", "plain", "dropped", "mighty")
        self.assertNotEqual(self.c.kubectl("exec", "readonly", "--", "touch", "/x",
                                           check=False).returncode, 0)
        caps = lambda name: self.exec(name, "grep", "CapEff", "/proc/1/status").split()[1]
        self.assertEqual(caps("plain"), "00000000a80425fb")  # Docker's
        self.assertEqual(caps("dropped"), "0000000000000000")
        self.assertEqual(self.exec("dropped", "grep", "NoNewPrivs", "/proc/1/status").split()[1],
                         "1")
        self.exec("mighty", "ip", "link", "set", "lo", "mtu", "1400")
        self.assertNotEqual(self.c.kubectl("exec", "plain", "--", "ip", "link", "set", "lo", "mtu",
                                           "1400", check=False).returncode, 0)

    def test_run_as_user(self):
        self.apply(pod("user", sh(f"id -u; id -g; {FOREVER}",
                                  securityContext={"runAsUser": 1000, "runAsGroup": 3000})))
        settled = self.wait_for("it has started or said why not", lambda: [
            key for key in self.container("user")["state"]
            if key == "running" or self.container("user")["state"][key].get("message")])
        if settled != ["running"]:
            self.assertIn("subuid", json.dumps(self.container("user")))
            self.skipTest("one user id only: " + json.dumps(self.container("user")["state"]))
        self.wait_for("its log", lambda: self.c.kubectl("logs", "user").stdout == "1000\n3000\n")

    def test_host_network_and_shared_localhost(self):
        self.apply(pod("host", {"image": "nicolaka/netshoot", **sh(FOREVER)}, hostNetwork=True),
                   pod("pair", {"image": "nginx"}, sh(FOREVER)))
        self.wait_ready("host", "pair")
        self.assertEqual(self.get("host")["status"]["podIP"], "192.168.1.1")
        self.assertEqual(self.exec("host", "hostname"), "m\n")
        self.assertIn("Welcome to nginx", self.exec("pair", "curl", "-s", "127.0.0.1",
                                                    container="c1"))


class Honoured(Pods):
    def test_a_deadline_ends_the_pod(self):
        self.apply(pod("late", sh(FOREVER), activeDeadlineSeconds=1))
        self.wait_for("it failed", lambda: self.get("late")["status"].get("phase") == "Failed")
        status = self.get("late")["status"]
        self.assertEqual((status["reason"], status["message"]),
                         ("DeadlineExceeded",
                          "Pod was active on the node longer than the specified deadline"))
        self.wait_for("its container ended",
                      lambda: "terminated" in self.container("late")["state"])

    def test_a_container_leaves_a_message(self):
        once = {"restartPolicy": "Never"}
        self.apply(pod("words", sh("echo disk full >/dev/termination-log; exit 1"), **once),
                   pod("log", sh("echo from the log; exit 1",
                                 terminationMessagePolicy="FallbackToLogsOnError"), **once))
        for name, said in (("words", "disk full\n"), ("log", "from the log\n")):
            self.wait_state(name, "terminated", "Error")
            self.assertEqual(self.container(name)["state"]["terminated"].get("message"), said)

    def test_memory_volumes_and_groups(self):
        volumes = [{"name": "m", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}}]
        self.apply(pod("memory", sh(FOREVER, volumeMounts=[{"name": "m", "mountPath": "/m"}]),
                       volumes=volumes, securityContext={"fsGroup": 2000}))
        self.wait_ready("memory")
        self.assertIn("/m tmpfs", self.exec("memory", "cat", "/proc/mounts"))
        self.assertNotEqual(0, self.c.kubectl(
            "exec", "memory", "--", "sh", "-c", "head -c 2000000 /dev/zero >/m/x",
            check=False).returncode)
        noted = any("fsGroup 2000" in message for _, _, message in self.events("memory"))
        owner = self.exec("memory", "stat", "-c", "%g", "/m").strip()
        # Where the group does not exist, an event says so; elsewhere it owns the volume.
        self.assertEqual(owner == "2000", not noted)


scenario.main()
