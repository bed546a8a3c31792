"""What bash would propose: the completion script, asked as bash asks it."""

import os
import subprocess
import tempfile

SCRIPT = """
source <(hoplab completion bash)
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_hoplab
printf '%s\\n' "${COMPREPLY[@]}"
"""


def complete(hoplab, *words, env=None):
    """The proposals for the last of the words behind `hoplab`."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        os.symlink(hoplab, os.path.join(folder, "hoplab"))
        env = dict(env or os.environ)
        env["PATH"] = folder + ":" + env["PATH"]
        asked = subprocess.run(["bash", "-c", SCRIPT, "bash", "hoplab", *words], env=env, text=True,
                               capture_output=True, check=True, timeout=60)
    if asked.stderr:
        raise AssertionError(asked.stderr)
    return asked.stdout.split()
