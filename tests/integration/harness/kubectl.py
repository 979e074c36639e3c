"""kubectl, the client that users have."""
import json
import os
import subprocess
from pathlib import Path


class Kubectl:
    def __init__(self, binary: Path, kubeconfig: Path, cache: Path):
        self.command = [str(binary), "--kubeconfig", str(kubeconfig), "--cache-dir", str(cache)]

    def __call__(self, *arguments: str, stdin: str = "", check: bool = True) -> str:
        done = subprocess.run([*self.command, *arguments], input=stdin, capture_output=True, text=True, timeout=60,
                              env={**os.environ, "HOME": "/nonexistent"})
        if check and done.returncode != 0:
            raise AssertionError(f"kubectl {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout if done.returncode == 0 else done.stderr

    def apply(self, *objects: dict):
        """Creates the objects, or makes those that exist like this."""
        everything = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
        self("apply", "--validate=false", "-f", "-", stdin=json.dumps(everything))

    def delete(self, kind: str, name: str, namespace: str):
        self("delete", kind, name, "-n", namespace, "--wait=false", "--grace-period=0", "--force")
