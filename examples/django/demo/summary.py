"""The end of the demo: what happened, what the visitors saw, and whether all was well."""

from collections import Counter

from demo.cluster import Backend
from demo.figures import Figures, Sidecar
from demo.table import milliseconds
from demo.timeline import Phase, Timeline

TOLERANCE = 2.0  # points between a share and what the weights call for
SHOWN_FAILURES = 10


class Summary:
    def __init__(self, backends: list[Backend], figures: Figures, sidecar: Sidecar, timeline: Timeline):
        self._names = [backend.name for backend in backends]
        self._figures, self._sidecar, self._timeline = figures, sidecar, timeline
        self.problems = list(timeline.problems)

    def lines(self) -> list[str]:
        """The report; `problems` is complete once it is made."""
        lines = ["", "What happened", *self._timeline.events]
        lines += ["", "Shares by phase, in percent (what the weights call for in brackets)"]
        names = "".join(f"{name:>15} " for name in self._names)
        lines.append(f"  {'phase':<15}{'requests':>9}{names}{'p50':>10}{'p99':>10}")
        lines += [self._phase(phase) for phase in self._timeline.phases]
        total = self._figures.total()
        failures = self._figures.failures
        unanswered = sum(not failure["backend"] for failure in failures)
        latency = total.all_latency()
        lines += [
            "",
            f"{total.total() + unanswered} requests, {len(failures)} failed; "
            f"p50 {milliseconds(latency.quantile(0.5))}, p99 {milliseconds(latency.quantile(0.99))}",
            f"{self._sidecar.failed_attempts()} attempts failed on a backend, by the sidecar's count",
        ]
        lines += self._failures(failures)
        return lines + self._verdict()

    def _phase(self, phase: Phase) -> str:
        window = self._figures.between(phase.measured_from, phase.measured_to)
        cells = ""
        for name in self._names:
            share, target = window.share(name), phase.target(name)
            off = abs(share - target) > TOLERANCE
            if off:
                self.problems.append(
                    f"phase {phase.name!r}: {name} got {share:.1f}% of the requests, not {target:.1f}%"
                )
            cells += (
                f"{f'{share:.1f} ({target:.1f})' + ('!' if off else ' '):>16}" if share or target else f"{'- ':>16}"
            )
        latency = window.all_latency()
        p50, p99 = milliseconds(latency.quantile(0.5)), milliseconds(latency.quantile(0.99))
        return f"  {phase.name:<15}{window.total():>9}{cells}{p50:>10}{p99:>10}"

    def _failures(self, failures: list[dict]) -> list[str]:
        if not failures:
            return []
        self.problems.insert(0, f"failed requests: {len(failures)}")
        lines = ["", "Failed requests"]
        for failure in failures[:SHOWN_FAILURES]:
            backend = failure["backend"] or "no answer"
            lines.append(
                f"{self._timeline.elapsed(failure['at']):6.1f} s  {failure['request']} ({backend}): {failure['reason']}"
            )
        if len(failures) > SHOWN_FAILURES:
            reasons = Counter(failure["reason"].split(":")[0] for failure in failures)
            lines.append(
                "  ... in all: " + ", ".join(f"{count} x {reason}" for reason, count in reasons.most_common(8))
            )
        return lines

    def _verdict(self) -> list[str]:
        if self.problems:
            return ["", "Not well:", *(f"  - {problem}" for problem in self.problems)]
        return ["", f"All well: no failed request, every share within {TOLERANCE:g} points of its weight."]
