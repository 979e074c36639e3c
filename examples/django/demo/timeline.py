"""What happens when: the phases of the demo, scaled to its length."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from demo.cluster import Backend, Gunicorns, Manifests
from demo.figures import Figures, Sidecar

SETTLE_TIMEOUT = 10.0  # seconds for the sidecar to show what was done
MARGIN = 0.3  # seconds after that, for answers that were under way
ENOUGH = 300  # answers to judge a share by


@dataclass
class Phase:
    """A stretch with fixed weights; measured once the sidecar has what was changed at its start."""

    name: str
    weights: dict[str, int] = field(default_factory=dict)  # of the backends that traffic should go to
    measured_from: float = 0.0
    measured_to: float = 0.0

    def target(self, name: str) -> float:
        """The share, in percent, that the weights call for."""
        return 100 * self.weights.get(name, 0) / max(1, sum(self.weights.values()))


class Timeline:
    def __init__(self, seconds: float, backends: list[Backend], manifests: Manifests, gunicorns: Gunicorns):
        self.seconds = seconds
        self.events: list[str] = []
        self.phases: list[Phase] = []
        self.problems: list[str] = []
        self._light, self._middle, self._heavy, self._late = backends
        self._manifests, self._gunicorns = manifests, gunicorns
        self._figures: Figures
        self._sidecar: Sidecar
        self._started = 0.0
        self.phase = Phase("starting")

    def elapsed(self, now: float) -> float:
        return now - self._started if self._started else 0.0

    def event(self, text: str) -> None:
        self.events.append(f"{self.elapsed(time.monotonic()):6.1f} s  {text}")

    async def run(self, figures: Figures, sidecar: Sidecar) -> None:
        """From the first visitor to the last; the three backends that start are up by now."""
        self._figures, self._sidecar = figures, sidecar
        self._started = time.monotonic()
        await self._steady()
        await self._kill()
        await self._restart()
        await self._drain()
        await self._add()

    async def _steady(self) -> None:
        self._begin("steady", self._light, self._middle, self._heavy)
        self.event(
            "visitors arrive; " + ", ".join(f"{b.name} has weight {b.weight}" for b in self._backends_of(self.phase))
        )
        await self._measure(until=0.32)

    async def _kill(self) -> None:
        victim = self._heavy
        self._begin(f"{victim.name} killed", self._light, self._middle)
        await self._sidecar.until(lambda: self._sidecar.host(victim.address).active > 0, timeout=2)
        busy = self._sidecar.host(victim.address).active
        victim.process.kill()
        self.event(f"kill -9 {victim.name}, requests under way in it: {busy}")
        await self._settle(
            f"the sidecar marks {victim.name} down", lambda: self._sidecar.host(victim.address).health == "down"
        )
        await self._measure(until=0.47)

    async def _restart(self) -> None:
        self._begin(f"{self._heavy.name} back", self._light, self._middle, self._heavy)
        self.event(f"{self._heavy.name} is started again")
        self._gunicorns.start(self._heavy)
        await self._settle(f"the sidecar marks {self._heavy.name} up", lambda: self._serves(self._heavy))
        await self._measure(until=0.63)

    async def _drain(self) -> None:
        leaver = self._middle
        self._begin(f"{leaver.name} drains", self._light, self._heavy)
        self._manifests.publish(leaver, draining=True)
        self.event(f"{leaver.name} is terminating: it finishes what it has and gets nothing new")
        host = self._sidecar.host
        await self._settle(
            f"{leaver.name} is draining and idle",
            lambda: host(leaver.address).state == "draining" and host(leaver.address).active == 0,
        )
        await self._measure(until=0.74)
        self._manifests.withdraw(leaver)
        self.event(f"{leaver.name} leaves the Service")
        if not await self._sidecar.until(lambda: host(leaver.address).state == "absent", SETTLE_TIMEOUT):
            self.problems.append(f"the sidecar still knows {leaver.name} {SETTLE_TIMEOUT:g} s after it left")
        if problem := await leaver.process.stop():
            self.problems.append(problem)
        self.event(f"{leaver.name}'s process has ended")

    async def _add(self) -> None:
        self._gunicorns.start(self._late)
        await self._gunicorns.wait_until_ready(self._late)
        self._begin(f"{self._late.name} added", self._light, self._heavy, self._late)
        self._manifests.publish(self._late)
        self.event(f"{self._late.name} joins with weight {self._late.weight}")
        await self._settle(f"the sidecar serves from {self._late.name}", lambda: self._serves(self._late))
        await self._measure(until=1.0)
        self.event("the visitors leave")

    def _backends_of(self, phase: Phase) -> list[Backend]:
        return [b for b in (self._light, self._middle, self._heavy, self._late) if b.name in phase.weights]

    def _serves(self, backend: Backend) -> bool:
        host = self._sidecar.host(backend.address)
        return host.state == "ready" and host.health == "up"

    def _begin(self, name: str, *serving: Backend) -> None:
        self.phase = Phase(name, {backend.name: backend.weight for backend in serving})
        self.phases.append(self.phase)

    async def _settle(self, what: str, condition: Callable[[], bool]) -> None:
        started = time.monotonic()
        if await self._sidecar.until(condition, SETTLE_TIMEOUT):
            self.event(f"{what} ({(time.monotonic() - started) * 1000:.0f} ms later)")
        else:
            self.problems.append(f"phase {self.phase.name!r}: not seen within {SETTLE_TIMEOUT:g} s: {what}")

    async def _measure(self, until: float) -> None:
        """Measures from now to the phase's place in the demo, or as long as it takes to have seen enough."""
        await asyncio.sleep(MARGIN)
        phase = self.phase
        phase.measured_from = time.monotonic()
        end = max(self._started + until * self.seconds, phase.measured_from + 1)
        await asyncio.sleep(end - time.monotonic())
        while (
            self._figures.between(phase.measured_from, time.monotonic()).total() < ENOUGH and time.monotonic() < end + 5
        ):
            await asyncio.sleep(0.1)
        phase.measured_to = time.monotonic()
