# SPDX-License-Identifier: Apache-2.0
"""From a score per window to a verdict: causal smoothing, then m-of-n voting.

`Decision` runs what `bundle.complete` made of the DECI section of a bundle. All buffers are made
in `__init__`; `update` allocates nothing.
"""


class Median:
    """Causal median of the newest n scores; of those seen so far while fewer have come."""

    def __init__(self, n: int):
        # lists: an index takes half the time of an array's, and every pass counts
        self._recent = [0] * n
        self._sorted = [0] * n
        self._n = n
        self._count = 0
        self._at = 0

    def update(self, score: int) -> int:
        """Add one score and return the median (the lower of two in the middle)."""
        ordered = self._sorted
        count = i = self._count
        if count == self._n:
            # the oldest one's place is the gap that moves to the new one's
            count -= 1
            old = self._recent[self._at]
            i = 0
            while ordered[i] != old:
                i += 1
            while i < count and ordered[i + 1] < score:
                ordered[i] = ordered[i + 1]
                i += 1
        while i > 0 and ordered[i - 1] > score:
            ordered[i] = ordered[i - 1]
            i -= 1
        ordered[i] = score
        self._recent[self._at] = score
        self._at = self._at + 1 if self._at < self._n - 1 else 0
        self._count = count + 1
        return ordered[count >> 1]

    def reset(self):
        """Forget every score."""
        self._count = self._at = 0


class Ewma:
    """Exponentially weighted mean: state += (score - state) / 2**shift, state in Q8 of a score.

    The first score starts the state.
    """

    def __init__(self, shift: int):
        self._shift = shift
        self._state = -1

    def update(self, score: int) -> int:
        """Add one score (0..32767) and return the rounded mean."""
        wide = score << 8
        state = self._state
        state = wide if state < 0 else state + ((wide - state) >> self._shift)
        self._state = state
        return (state + 128) >> 8

    def reset(self):
        """Forget every score."""
        self._state = -1


class Decision:
    """Smooths scores and votes, as the DECI section of a bundle says.

    score   newest smoothed score, Q8
    alarm   1 while at least m of the newest n smoothed scores reach the threshold, else 0
    """

    def __init__(self, decision: dict):
        smoothing = decision["smoothing"]
        self._filter = None
        if smoothing["kind"] == "median":
            self._filter = Median(smoothing["n"])
        elif smoothing["kind"] == "ewma":
            self._filter = Ewma(smoothing["shift"])
        self.threshold = decision["threshold"]
        self._need = decision["vote"]["m"]
        self._votes = [0] * decision["vote"]["n"]
        self._at = 0
        self._sum = 0
        self.score = 0
        self.alarm = 0

    def update(self, score: int) -> int:
        """Take one window's score (Q8), set `score` and `alarm`, return the smoothed score."""
        if self._filter is not None:
            score = self._filter.update(score)
        over = 1 if score >= self.threshold else 0
        votes = self._votes
        at = self._at
        self._sum += over - votes[at]
        votes[at] = over
        self._at = at + 1 if at < len(votes) - 1 else 0
        self.score = score
        self.alarm = 1 if self._sum >= self._need else 0
        return score

    def reset(self):
        """Forget every score, as after a gap in the data."""
        if self._filter is not None:
            self._filter.reset()
        for i in range(len(self._votes)):
            self._votes[i] = 0
        self._at = self._sum = self.score = self.alarm = 0
