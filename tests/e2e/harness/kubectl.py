"""kubectl, with answers as Python values and with patience."""
import contextlib
import json
import re
import subprocess
import time
import urllib.request


class KubectlError(AssertionError):
    """kubectl said no; the text has its words."""


def run(*words, text: str | None = None, timeout: float = 180, check: bool = True) -> str:
    words = ["kubectl", *(str(word) for word in words)]
    done = subprocess.run(words, input=text, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=timeout)
    if check and done.returncode != 0:
        raise KubectlError(f"{' '.join(words)}: exit status {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout if check else done.stdout + done.stderr


def get(*words) -> dict:
    return json.loads(run("get", *words, "-o", "json"))


def apply(*objects: dict):
    run("apply", "-f", "-", text=json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)}))


def refused(value: dict) -> str:
    """Applies what must be refused, and returns the words of the refusal."""
    try:
        apply(value)
    except KubectlError as error:
        return str(error)
    raise AssertionError(f"{value['kind']} {value['metadata']['name']} was taken; it should have been refused")


def until(condition, what: str, seconds: float = 60, pause: float = 0.25):
    """Calls `condition` until it gives something true, and returns that."""
    deadline = time.monotonic() + seconds
    last = None
    while True:
        try:
            value = condition()
            if value:
                return value
        except KubectlError as error:
            last = error
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:.0f} s: {what}" + (f"\n{last}" if last else ""))
        time.sleep(pause)


def rolled_out(kind_and_name: str, namespace: str, seconds: int = 120):
    run("rollout", "status", kind_and_name, "-n", namespace, f"--timeout={seconds}s", timeout=seconds + 30)


def pods(namespace: str, selector: str) -> list[dict]:
    """Those that are not on their way out."""
    return [pod for pod in get("pods", "-n", namespace, "-l", selector)["items"] if "deletionTimestamp" not in pod["metadata"]]


@contextlib.contextmanager
def forwarded(target: str, namespace: str, port: int):
    """`kubectl port-forward` from a free port: gives a function that fetches a path."""
    process = subprocess.Popen(["kubectl", "port-forward", "-n", namespace, target, f":{port}"], stdout=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline()
        found = re.match(r"Forwarding from (127\.0\.0\.1:\d+)", line)
        assert found, f"kubectl port-forward {target} {port}: {line!r}"
        yield lambda path: urllib.request.urlopen(f"http://{found[1]}{path}", timeout=10).read().decode()
    finally:
        process.terminate()
        process.wait(10)
