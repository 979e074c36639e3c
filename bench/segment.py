"""An Ethernet segment of network namespaces: hosts on a bridge, each with a cable that can be pulled. Nothing of it is outside of the
namespaces, which live in processes of ours and end with them."""

import contextlib
import os
import signal
import subprocess

import common

NETWORK = "10.99.0"


class _Namespace:
    """A network namespace, held by a process that does nothing."""

    def __init__(self):
        try:
            self.holder = subprocess.Popen(["unshare", "--net", "sh", "-c", "echo; exec sleep infinity"], stdin=subprocess.DEVNULL,
                                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        except OSError as error:
            raise common.CannotRun(f"no network namespace: {error}") from error
        if self.holder.stdout.readline() != "\n":
            raise common.CannotRun(f"no network namespace: {self.holder.stderr.read().strip()} (run as root, or allow user namespaces)")

    def inside(self, *command):
        return ["nsenter", f"--target={self.holder.pid}", "--net", "--", *command]

    def run(self, *command):
        """The command's output; raises when it fails."""
        ended = subprocess.run(self.inside(*command), capture_output=True, text=True, timeout=20)
        if ended.returncode != 0:
            raise common.CannotRun(f"{' '.join(command)}: {ended.stderr.strip()}")
        return ended.stdout

    def end(self):
        self.holder.kill()
        self.holder.wait()


class Host(_Namespace):
    """One machine of the segment. Its interface is eth0; what runs there is started with start() and ends with the host."""

    def __init__(self, name, address, directory):
        super().__init__()
        self.name, self.address = name, address
        self.directory = os.path.join(directory, name)
        os.makedirs(self.directory, exist_ok=True)
        self.programs = {}

    def start(self, name, arguments, **options):
        # A session of its own: keepalived has children.
        program = common.Program(self.inside(*arguments), os.path.join(self.directory, f"{name}.log"), start_new_session=True, **options)
        program.name = f"{name} on {self.name}"
        self.programs[name] = program
        return program

    def stop(self, name):
        """In order: SIGTERM, and wait."""
        self.programs.pop(name).stop()

    def kill(self):
        """Everything at once, as a power cut does it."""
        for program in self.programs.values():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(program.pid, signal.SIGKILL)
        for program in self.programs.values():
            program.process.wait()
        self.programs.clear()

    def holds(self, address):
        return bool(self.run("ip", "-oneline", "address", "show", "to", address))


class Segment:
    """Hosts NAME.. with the addresses .11 and following on one bridge. A context manager."""

    def __init__(self, names, directory):
        self.names, self.directory = names, directory
        self.hosts = {}
        self.bridge = None

    def __enter__(self):
        try:
            self.bridge = _Namespace()
            self.bridge.run("ip", "link", "add", "bridge", "type", "bridge", "forward_delay", "0", "mcast_snooping", "0")
            self.bridge.run("ip", "link", "set", "bridge", "up")
            for number, name in enumerate(self.names):
                self._add(name, f"{NETWORK}.{11 + number}")
        except BaseException:
            self.__exit__()
            raise
        return self

    def _add(self, name, address):
        host = self.hosts[name] = Host(name, address, self.directory)
        self.bridge.run("ip", "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", str(host.holder.pid))
        self.bridge.run("ip", "link", "set", name, "master", "bridge", "up")
        host.run("ip", "link", "set", "lo", "up")
        host.run("ip", "address", "add", f"{address}/24", "dev", "eth0")
        host.run("ip", "link", "set", "eth0", "up")

    def __exit__(self, *_):
        for host in self.hosts.values():
            host.kill()
            host.end()
        if self.bridge is not None:
            self.bridge.end()

    def cable(self, name, plugged):
        """At the switch: the host sees its carrier come or go."""
        self.bridge.run("ip", "link", "set", name, "up" if plugged else "down")
