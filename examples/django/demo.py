#!/usr/bin/env python3
"""A Django shop under Gunicorn, balanced by Steelyard, while its backends are killed, drained and added.

Starts three backends, a controller that follows a directory of manifests, and a sidecar in front; sends visitors
through the sidecar; shows what each backend gets. Exit status: 0 when no request failed and every share was right, 1
when not, 2 on bad usage.
"""

import argparse
import asyncio
import importlib.util
import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from demo.cluster import HERE, Backend, Gunicorns, Manifests
from demo.figures import Figures, Sidecar
from demo.processes import DemoFailed, Process, free_ports
from demo.summary import Summary
from demo.table import Table
from demo.timeline import Timeline

BIN = Path(os.environ.get("STEELYARD_BIN", HERE.parent.parent / "build" / "release" / "bin"))
PACKAGES = ("django", "gunicorn", "whitenoise")
PROGRAMS = ("steelyard-controller", "steelyard-sidecar")
SHORTEST = 15  # seconds
WEIGHTS = (1, 2, 5, 4)  # of the three backends at the start, and of the one that is added


class Demo:
    def __init__(self, options: argparse.Namespace, work: Path):
        self._options, self._work = options, work
        self._logs = work / "logs"
        self._logs.mkdir()
        *ports, self._front = free_ports(5)
        names = ("web-a", "web-b", "web-c", "web-d")
        self._backends = [Backend(name, weight, port) for name, weight, port in zip(names, WEIGHTS, ports)]
        self._manifests = Manifests(work)
        self._gunicorns = Gunicorns(self._logs)
        self._timeline = Timeline(options.seconds, self._backends, self._manifests, self._gunicorns)
        self._programs: list[Process] = []

    async def run(self) -> int:
        try:
            return await self._run()
        finally:
            # Whatever way it ended; what is gone already is left alone.
            for process in self._processes():
                process.kill()

    async def _run(self) -> int:
        sidecar = await self._start()
        options = ["--port", self._front, "--rate", self._options.rate, "--visitors", self._options.visitors]
        load = self._program("load", [sys.executable, "-m", "demo.load", *map(str, options)])
        figures = Figures(load)
        table = Table(self._backends, figures, sidecar, self._timeline)
        table.clear()
        await self._first_to_end(
            self._timeline.run(figures, sidecar), sidecar.follow(), self._watch(), self._show(figures, table)
        )
        problems = [await load.stop()]
        figures.read()
        await sidecar.refresh()
        table.draw(time.monotonic())
        problems += [await process.stop() for process in self._processes()]
        summary = Summary(self._backends, figures, sidecar, self._timeline)
        summary.problems += filter(None, problems)
        print("\n".join(summary.lines()), flush=True)
        return 1 if summary.problems else 0

    async def _start(self) -> Sidecar:
        """Everything up to the point where the first visitor can come."""
        first = self._backends[:3]
        for backend in first:
            self._gunicorns.start(backend)
            self._manifests.publish(backend)
        listen = ["--push-listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]
        controller = self._steelyard("controller", "--manifests", self._manifests.directory, *listen)
        push = await controller.listening_port("push")
        state = self._work / "state"
        state.mkdir()
        upstream = ["--upstream", f"{self._front}=web.shop:http", "--admin-listen", "127.0.0.1:0", "--state-dir", state]
        program = self._steelyard("sidecar", "--controller", f"ws://127.0.0.1:{push}", *upstream)
        sidecar = Sidecar(await program.listening_port("admin"), "shop/web:http")
        await self._gunicorns.wait_until_ready(*first)
        await self._first_to_end(self._until_up(sidecar, first), sidecar.follow(), self._watch())
        return sidecar

    async def _until_up(self, sidecar: Sidecar, backends: list[Backend]) -> None:
        if not await sidecar.until(lambda: all(sidecar.host(b.address).health == "up" for b in backends), timeout=15):
            seen = ", ".join(f"{b.name} {sidecar.host(b.address).health}" for b in backends)
            logs = "\n".join(f"{process.name}:\n{process.tail()}" for process in self._programs)
            raise DemoFailed(f"the sidecar does not see all backends up within 15 s: {sidecar.problem or seen}\n{logs}")

    def _steelyard(self, program: str, *flags) -> Process:
        return self._program(f"steelyard-{program}", [f"{self._options.bin}/steelyard-{program}", *map(str, flags)])

    def _program(self, name: str, command: list[str]) -> Process:
        process = Process(name, command, self._logs, cwd=HERE, env={"PYTHONDONTWRITEBYTECODE": "1"})
        self._programs.append(process)
        return process

    def _processes(self) -> list[Process]:
        """In the order in which they are to end: nobody loses what is in front of him."""
        return [*reversed(self._programs), *(backend.process for backend in self._backends if backend.process)]

    async def _watch(self) -> None:
        while True:
            for process in self._processes():
                process.check()
            await asyncio.sleep(0.2)

    async def _show(self, figures: Figures, table: Table) -> None:
        while True:
            figures.read()
            table.draw(time.monotonic())
            await asyncio.sleep(0.25)

    @staticmethod
    async def _first_to_end(*coroutines) -> None:
        """Runs them together until one ends or fails; all but the first run for ever by themselves."""
        tasks = [asyncio.create_task(coroutine) for coroutine in coroutines]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def run(options: argparse.Namespace) -> int:
    main = asyncio.current_task()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, main.cancel)
    work = Path(tempfile.mkdtemp(prefix="steelyard-demo-"))
    status = 1
    try:
        status = await Demo(options, work).run()
    except DemoFailed as failed:
        print(f"demo: {failed}", file=sys.stderr)
    except asyncio.CancelledError:
        status = 130
        print("\ndemo: stopped; everything it started has ended", file=sys.stderr)
    finally:
        if status == 1:
            print(f"The manifests and logs are kept in {work}")
        else:
            shutil.rmtree(work, ignore_errors=True)
    return status


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="demo.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    seconds = os.environ.get("DEMO_SECONDS") or "45"
    parser.add_argument(
        "--seconds", type=float, default=seconds, help=f"length, from {SHORTEST} (DEMO_SECONDS; default: 45)"
    )
    parser.add_argument("--rate", type=float, default=400, help="requests per second (default: 400)")
    parser.add_argument(
        "--visitors", type=int, default=24, help="visitors at the same time, each on a connection (default: 24)"
    )
    parser.add_argument("--bin", type=Path, default=BIN, help=f"where the programs are (STEELYARD_BIN; default: {BIN})")
    options = parser.parse_args()
    if not SHORTEST <= options.seconds <= 3600:
        parser.error(f"--seconds (DEMO_SECONDS): {options.seconds:g} is not from {SHORTEST} to 3600")
    if not 50 <= options.rate <= 5000:
        parser.error(f"--rate: {options.rate:g} is not from 50 to 5000 requests per second")
    if not 1 <= options.visitors <= 500:
        parser.error(f"--visitors: {options.visitors} is not from 1 to 500")
    return options


def what_is_missing(options: argparse.Namespace) -> list[str]:
    missing = []
    for name in PACKAGES:
        if not importlib.util.find_spec(name):
            missing.append(f"the Python package {name} (install examples/django/requirements.txt for {sys.executable})")
    for name in PROGRAMS:
        if not os.access(options.bin / name, os.X_OK):
            missing.append(f"{options.bin / name} (build it first, or say where it is with --bin)")
    return missing


if __name__ == "__main__":
    given = parse_options()
    if absent := what_is_missing(given):
        sys.exit("\n".join(f"demo: missing: {what}" for what in absent))
    sys.exit(asyncio.run(run(given)))
