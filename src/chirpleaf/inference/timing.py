"""Timing: durations of the stages of an analysis."""

import time


class Stopwatch:
    """Measures the stages of an analysis, one after the other.

    Example:
        >>> watch = Stopwatch()
        >>> watch.lap("load_s")
        >>> sorted(watch.timing)
        ['certify_s', 'infer_s', 'load_s', 'total_s', 'trust_s']
    """

    def __init__(self) -> None:
        self._start = self._last = time.perf_counter()
        self._seconds: dict[str, float] = {}

    def lap(self, stage: str) -> None:
        """Adds the time since the last call, or since the start, to a stage.

        Args:
            stage: load_s, infer_s, certify_s, trust_s or systematics_s.
        """
        now = time.perf_counter()
        self._seconds[stage] = self._seconds.get(stage, 0.0) + now - self._last
        self._last = now

    @property
    def timing(self) -> dict[str, float | None]:
        """Seconds of each stage, None for a usual one that was not measured, and of all as total_s."""
        stages = dict.fromkeys(("load_s", "infer_s", "certify_s", "trust_s"))
        return {**stages, **self._seconds, "total_s": self._last - self._start}
