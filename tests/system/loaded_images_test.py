"""Images made elsewhere: loaded, listed, saved, removed, and run as pods."""

import json
import os
import shutil
import tarfile
import tempfile

import image_archive
import scenario
from scenario import HOPLAB, run, wait_until


def make_image(path):
    base = image_archive.Layer()
    base.add_programs("sh", "cat", "id", "sleep", "ls")
    base.add("etc/passwd", b"root:x:0:0:root:/root:/bin/sh\nweb:x:33:33::/srv:/bin/sh\n")
    base.add("etc/group", b"root:x:0:\nweb:x:33:\n")
    base.add("etc/gone", b"hidden by the next layer\n")
    base.add("run", kind=tarfile.DIRTYPE, mode=0o755)
    base.add("etc/hostname", kind=tarfile.SYMTYPE, link="/nowhere/hostname")
    base.add("etc/resolv.conf", kind=tarfile.SYMTYPE, link="../run/resolv.conf")
    top = image_archive.Layer()
    top.add("etc/.wh.gone")
    top.add("srv/greeting", b"hello from a loaded image\n")
    image_archive.docker_archive(path, "greeter:1.0", [base.bytes(), top.bytes()],
                                 Cmd=["sh", "-c", "cat /srv/greeting; ls /etc; exec sleep 1000"],
                                 Env=["PATH=/usr/bin:/bin", "MOOD=fine"], WorkingDir="/srv")


class LoadedImages(scenario.Case):
    def setUp(self):
        super().setUp()
        self.folder = tempfile.mkdtemp(prefix="hoplab-loaded-")
        self.addCleanup(shutil.rmtree, self.folder)
        os.environ["HOPLAB_IMAGES"] = self.folder + "/images"
        self.addCleanup(os.environ.pop, "HOPLAB_IMAGES")
        self.archive = self.folder + "/greeter.tar"
        make_image(self.archive)

    def docker(self, *args, **more):
        return run(HOPLAB, "docker", *args, **more)

    def test_load_list_save_remove(self):
        loaded = self.docker("load", "-i", self.archive)
        self.assertEqual(loaded.stdout, "Loaded image: greeter:1.0\n")
        listed = self.docker("images", "greeter", "--format", "{{.Repository}} {{.Tag}}")
        self.assertEqual(listed.stdout, "greeter 1.0\n")
        table = self.docker("images").stdout.splitlines()
        self.assertRegex(table[0], r"^REPOSITORY +TAG +IMAGE ID +CREATED +SIZE$")
        self.assertTrue(any(line.startswith("nginx ") for line in table))
        self.docker("save", "-o", self.folder + "/saved.tar", "greeter:1.0")
        before = self.docker("images", "-q", "greeter").stdout
        self.assertIn("Untagged: greeter:1.0", self.docker("rmi", "greeter:1.0").stdout)
        self.assertEqual(self.docker("images", "-q", "greeter").stdout, "")
        with open(self.folder + "/saved.tar", "rb") as saved:
            self.docker("load", stdin=saved)
        self.assertEqual(self.docker("images", "-q", "greeter").stdout, before)
        inspected = json.loads(self.docker("image", "inspect", "greeter:1.0").stdout)[0]
        self.assertEqual(inspected["Config"]["WorkingDir"], "/srv")
        self.assertEqual(len(inspected["RootFS"]["Layers"]), 2)
        self.assertIn("layer 1", self.docker("history", "greeter:1.0").stdout)
        self.docker("rmi", "-f", before.strip())
        self.assertEqual(os.listdir(self.folder + "/images/layers"), [])

    def test_streams(self):
        self.docker("load", "-i", self.archive)
        # Standard output by its name is no file to replace.
        run("sh", "-c", f"{HOPLAB} docker save -o /dev/stdout greeter:1.0 |"
                        f" cat >{self.folder}/direct.tar")
        self.docker("rmi", "greeter:1.0")
        with open(self.folder + "/direct.tar", "rb") as saved:
            self.assertEqual(self.docker("load", stdin=saved).stdout,
                             "Loaded image: greeter:1.0\n")
        # What comes over standard input has no name of its own.
        image_archive.docker_archive(self.archive, None,
                                     [image_archive.Layer().add("a", b"1").bytes()])
        with open(self.archive, "rb") as nameless:
            loaded = self.docker("load", stdin=nameless).stdout
        self.assertRegex(loaded, r"^Loaded image ID: sha256:[0-9a-f]{64}\n$")
        rootfs = image_archive.Layer().add("a", b"1").bytes()
        for message, comment in [([], "Imported from -"), (["-m", "by hand"], "by hand")]:
            with open(self.folder + "/rootfs.tar", "wb") as file:
                file.write(rootfs)
            with open(self.folder + "/rootfs.tar", "rb") as file:
                self.docker("import", *message, "-", "mine:1", stdin=file)
            shown = self.docker("history", "--format", "{{.Comment}}", "mine:1").stdout
            self.assertEqual(shown, comment + "\n")

    def test_a_damaged_image(self):
        self.docker("load", "-i", self.archive)
        layers = self.folder + "/images/layers"
        for layer in os.listdir(layers):
            os.remove(f"{layers}/{layer}/info.json")
        listed = self.docker("images", "-q")
        self.assertIn("note: image greeter:1.0 is damaged: ", listed.stderr)
        self.assertIn("hoplab docker rmi greeter:1.0", listed.stderr)
        self.docker("rmi", "greeter:1.0")
        self.assertEqual(os.listdir(layers), [])

    def test_mistakes(self):
        missing = self.docker("rmi", "nothing", check=False)
        self.assertEqual((missing.returncode, missing.stderr),
                         (1, "Error response from daemon: No such image: nothing\n"))
        wrong = self.docker("load", "--nope", check=False)
        self.assertEqual(wrong.returncode, 125)
        self.assertIn("unknown flag: --nope", wrong.stderr)
        garbage = self.folder + "/garbage.tar"
        with open(garbage, "wb") as file:
            file.write(os.urandom(4096))
        broken = self.docker("load", "-i", garbage, check=False)
        self.assertEqual(broken.returncode, 1)
        self.assertIn(garbage, broken.stderr)

    def test_runs_as_a_pod(self):
        self.docker("load", "-i", self.archive)
        cluster = self.start()
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "greeter"},
               "spec": {"containers": [{"name": "greeter", "image": "greeter:1.0"}]}}
        cluster.kubectl("apply", "-f", "-", input=json.dumps(pod))
        cluster.kubectl("wait", "--for=condition=Ready", "pod/greeter", "--timeout=60s")
        wait_until("its words", lambda: "resolv.conf" in cluster.kubectl("logs", "greeter").stdout)
        said = cluster.kubectl("logs", "greeter").stdout.split()
        self.assertEqual(" ".join(said[:5]), "hello from a loaded image")
        self.assertIn("hosts", said)
        self.assertNotIn("gone", said)  # the whiteout
        inside = lambda script: cluster.kubectl(  # noqa: E731
            "exec", "greeter", "--", "sh", "-c", script).stdout
        self.assertEqual(inside("echo $MOOD; cat /etc/hostname"), "fine\ngreeter\n")
        self.assertIn("nameserver 10.96.0.10", inside("cat /run/resolv.conf"))
        self.assertNotIn("home", inside("ls /").split())
        used = self.docker("rmi", "greeter:1.0", check=False)
        self.assertEqual(used.returncode, 1)
        self.assertIn('conflict: unable to remove repository reference "greeter:1.0" (must force)'
                      " - a running container is using its referenced image", used.stderr)
        # What a container writes is its own and ends with it.
        self.assertEqual(inside("echo mine >/srv/greeting; cat /srv/greeting"), "mine\n")
        cluster.kubectl("delete", "pod", "greeter", "--now")
        cluster.kubectl("apply", "-f", "-", input=json.dumps(pod))
        wait_until("its words again",
                   lambda: "hello from" in cluster.kubectl("logs", "greeter", check=False).stdout)

    def test_a_pods_user_by_name(self):
        if os.geteuid() != 0 and not os.path.exists("/usr/bin/newuidmap"):
            self.skipTest("one id only: no other user can run here")
        base = image_archive.Layer().add_programs("sh", "id")
        base.add("etc/passwd", b"root:x:0:0::/root:/bin/sh\nweb:x:33:34::/srv:/bin/sh\n")
        base.add("etc/group", b"www:x:34:\nextra:x:77:web\n")
        image_archive.docker_archive(self.archive, "who:1", [base.bytes()], User="web",
                                     Cmd=["sh", "-c", "id -u; id -g; id -G; echo $HOME"],
                                     Env=["PATH=/usr/bin:/bin"])
        self.docker("load", "-i", self.archive)
        cluster = self.start()
        cluster.kubectl("run", "who", "--image=who:1", "--restart=Never")
        wait_until("its end", lambda: "/srv" in
                   cluster.kubectl("logs", "who", check=False).stdout)
        self.assertEqual(cluster.kubectl("logs", "who").stdout.splitlines(),
                         ["33", "34", "34 77", "/srv"])
        self.run_as(cluster, "group", runAsGroup=4000)
        self.assertEqual(cluster.kubectl("logs", "group").stdout.splitlines(),
                         ["33", "4000", "4000 77", "/srv"])
        self.run_as(cluster, "user", runAsUser=33)
        self.assertEqual(cluster.kubectl("logs", "user").stdout.splitlines(),
                         ["33", "34", "34 77", "/srv"])
        self.run_as(cluster, "nobody", wait=False, runAsNonRoot=True)
        waiting = "jsonpath={.status.containerStatuses[0].state.waiting}"
        wait_until("the refusal", lambda: "CreateContainerConfigError" in cluster.kubectl(
            "get", "pod", "nobody", "-o", waiting).stdout)
        self.assertIn("container has runAsNonRoot and image has non-numeric user (web), cannot "
                      "verify user is non-root",
                      cluster.kubectl("get", "pod", "nobody", "-o", waiting).stdout)

    def run_as(self, cluster, name, wait=True, **context):
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
               "spec": {"restartPolicy": "Never", "securityContext": context,
                        "containers": [{"name": name, "image": "who:1"}]}}
        cluster.kubectl("apply", "-f", "-", input=json.dumps(pod))
        if wait:
            wait_until("its end", lambda: cluster.kubectl(
                "get", "pod", name, "-o", "jsonpath={.status.phase}").stdout == "Succeeded")


scenario.main()
