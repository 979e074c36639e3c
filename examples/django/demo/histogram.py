"""Latencies in buckets that grow by 4 %: a quantile is right within 4 %, and two histograms add up."""

import math
from collections import Counter

_FIRST = 50e-6  # seconds; everything faster falls into bucket 0
_STEP = math.log(1.04)


class Histogram:
    def __init__(self, buckets: dict | None = None):
        self._buckets = Counter({int(bucket): count for bucket, count in (buckets or {}).items()})

    def add(self, seconds: float) -> None:
        self._buckets[max(0, math.ceil(math.log(max(seconds, _FIRST) / _FIRST) / _STEP))] += 1

    def merge(self, other: "Histogram") -> None:
        self._buckets.update(other._buckets)

    def count(self) -> int:
        return self._buckets.total()

    def quantile(self, q: float) -> float | None:
        """The upper edge, in seconds, of the bucket that holds the q-th part; None when empty."""
        wanted, seen = q * self.count(), 0
        for bucket in sorted(self._buckets):
            seen += self._buckets[bucket]
            if seen >= wanted:
                return _FIRST * math.exp(bucket * _STEP)
        return None

    def as_json(self) -> dict:
        return dict(self._buckets)
