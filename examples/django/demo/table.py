"""The live view: a table that redraws itself on a terminal, a line every few seconds elsewhere."""

import sys

from demo.cluster import Backend
from demo.figures import Figures, Sidecar, Window
from demo.timeline import Timeline

LINE_EVERY = 3.0  # seconds, when the output is no terminal
COLUMNS = (
    f"{'backend':<9}{'address':<17}{'weight':>6}{'target':>9}{'share':>9}{'req/s':>8}{'p50':>10}{'p99':>10}"
    f"  {'health':<9}{'state':<10}"
)


def milliseconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds * 1000:.1f} ms"


class Table:
    def __init__(self, backends: list[Backend], figures: Figures, sidecar: Sidecar, timeline: Timeline):
        self._backends, self._figures, self._sidecar, self._timeline = backends, figures, sidecar, timeline
        self._terminal = sys.stdout.isatty()
        self._drawn_at = 0.0
        self._events_shown = 0

    def draw(self, now: float) -> None:
        if self._terminal:
            lines = self._lines(now)
            # Back to the top, each line up to its end, then nothing below: no flicker.
            print("\x1b[H" + "".join(line + "\x1b[K\n" for line in lines) + "\x1b[J", end="", flush=True)
            return
        for event in self._timeline.events[self._events_shown :]:
            print(event, flush=True)
        self._events_shown = len(self._timeline.events)
        if now - self._drawn_at >= LINE_EVERY:
            self._drawn_at = now
            print(self._one_line(now), flush=True)

    def clear(self) -> None:
        if self._terminal:
            print("\x1b[2J", end="")

    def _recent(self, now: float) -> tuple[Window, Window]:
        """The last two seconds, and the current phase since it settled (the last two seconds until then)."""
        recent = self._figures.between(now - 2.3, now)
        settled = self._timeline.phase.measured_from
        return recent, self._figures.between(settled, now) if settled and settled < now - 1 else recent

    def _lines(self, now: float) -> list[str]:
        recent, phase = self._recent(now)
        timeline = self._timeline
        lines = [
            f"\x1b[1mSteelyard: a Django shop on {len(timeline.phase.weights)} backends\x1b[0m",
            f"{timeline.elapsed(now):5.1f} s of {timeline.seconds:g} s   {timeline.phase.name}",
            "",
            f"\x1b[4m{COLUMNS}\x1b[0m",
            *(self._row(backend, recent, phase) for backend in self._backends),
            "",
            f"{self._total(recent)}",
        ]
        if self._sidecar.problem:
            lines.append(f"\x1b[31m{self._sidecar.problem}\x1b[0m")
        return lines + ["", *timeline.events[-10:]]

    def _row(self, backend: Backend, recent: Window, phase: Window) -> str:
        host = self._sidecar.host(backend.address)
        latency = recent.latency[backend.name]
        colour = {"up": 32, "down": 31}.get(host.health, 39) if host.state != "draining" else 33
        return (
            f"{backend.name:<9}{backend.address:<17}{backend.weight:>6}{self._timeline.phase.target(backend.name):>8.1f}%"
            f"{phase.share(backend.name):>8.1f}%{recent.rate(backend.name):>8.0f}{milliseconds(latency.quantile(0.5)):>10}"
            f"{milliseconds(latency.quantile(0.99)):>10}  \x1b[{colour}m{host.health:<9}{host.state:<10}\x1b[0m"
        )

    def _total(self, recent: Window) -> str:
        rate = recent.total() / recent.seconds if recent.seconds else 0.0
        latency = recent.all_latency()
        return (
            f"{rate:.0f} req/s, p50 {milliseconds(latency.quantile(0.5))}, p99 {milliseconds(latency.quantile(0.99))}, "
            f"{self._figures.total().total()} answered, {len(self._figures.failures)} failed"
        )

    def _one_line(self, now: float) -> str:
        recent, phase = self._recent(now)
        shares = []
        for backend in self._backends:
            host = self._sidecar.host(backend.address)
            if host.state != "absent":
                target = self._timeline.phase.target(backend.name)
                condition = host.health if host.state == "ready" else host.state
                shares.append(f"{backend.name} {phase.share(backend.name):.1f}% of {target:.1f}% {condition}")
        return f"{self._timeline.elapsed(now):6.1f} s  {self._total(recent)} | {', '.join(shares)}"
