# SPDX-License-Identifier: Apache-2.0
"""Sum of time since the last reset."""

_LIMIT = (1 << 30) - 1


class TotalTime:
    """Counted time since `reset`. `.total_s` is whole seconds (stops at 2**30 - 1)."""

    def __init__(self):
        self.total_s = 0
        self._ms = 0

    def elapse(self, ms: int, counts: bool):
        """`ms` (0 .. 2**30 - 1001) have passed; they are counted or not."""
        if counts:
            self._add(ms)

    def reset(self):
        """Forget everything."""
        self.total_s = 0
        self._ms = 0

    def keep(self) -> list:
        """What a reset of the board must not take away, for `restore`."""
        return [self.total_s, self._ms]

    def restore(self, kept: list):
        """Go on from there."""
        self.total_s, self._ms = kept[0], kept[1]

    def _add(self, ms):
        ms += self._ms
        seconds = ms // 1000
        self._ms = ms - seconds * 1000
        if seconds > _LIMIT - self.total_s:
            self.total_s = _LIMIT
        else:
            self.total_s += seconds

    def _take(self, ms):
        seconds = ms // 1000
        self._ms -= ms - seconds * 1000
        if self._ms < 0:
            self._ms += 1000
            seconds += 1
        self.total_s -= seconds
