"""Makes container images without any image tool: tar archives of this machine's own programs."""

import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import tarfile


def libraries_of(program):
    """What the loader needs for a program, as paths to copy."""
    listed = subprocess.run(["ldd", program], capture_output=True, text=True).stdout
    return re.findall(r"(?:=> )?(/\S+) \(0x", listed)


class Layer:
    """The members of one layer, in order."""

    def __init__(self):
        self._text = io.BytesIO()
        self._tar = tarfile.open(fileobj=self._text, mode="w", format=tarfile.PAX_FORMAT)

    def add(self, path, content=b"", mode=0o644, kind=tarfile.REGTYPE, link="", uid=0, gid=0):
        member = tarfile.TarInfo(path)
        member.mode, member.type, member.linkname = mode, kind, link
        member.uid, member.gid, member.size = uid, gid, len(content)
        self._tar.addfile(member, io.BytesIO(content))
        return self

    def add_programs(self, *names):
        done = set()
        for name in names:
            program = shutil.which(name)
            for path in [program, *libraries_of(program)]:
                real = os.path.realpath(path)
                if path in done:
                    continue
                done.add(path)
                with open(real, "rb") as file:
                    self.add(path.lstrip("/"), file.read(), 0o755)
        return self

    def bytes(self):
        self._tar.close()
        return self._text.getvalue()


def sha256(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def docker_archive(path, name, layers, **config):
    """Writes what `docker save` writes. `layers`: bytes of tar archives, the base first."""
    document = json.dumps({
        "architecture": {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine],
        "os": "linux", "created": "2024-01-02T03:04:05Z", "config": config,
        "rootfs": {"type": "layers", "diff_ids": [sha256(layer) for layer in layers]},
        "history": [{"created": "2024-01-02T03:04:05Z", "created_by": f"layer {i}"}
                    for i in range(len(layers))]}).encode()
    manifest = json.dumps([{"Config": "config.json", "RepoTags": [name] if name else None,
                            "Layers": [f"{i}/layer.tar" for i in range(len(layers))]}]).encode()
    with tarfile.open(path, "w") as archive:
        for member, data in [("config.json", document), ("manifest.json", manifest),
                             *((f"{i}/layer.tar", layer) for i, layer in enumerate(layers))]:
            info = tarfile.TarInfo(member)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
