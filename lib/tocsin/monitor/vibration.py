# SPDX-License-Identifier: Apache-2.0
"""Rotating machines: velocity zones, chronic drift, bearing frequencies.

An acute alarm is an `Alarm` on a value; a chronic one is an `Alarm` on that value's `Drift`.
"""

import math

_CLIP = 4
_Q14 = 14


def zone(value: int, uppers) -> int:
    """The zone of a velocity RMS: 0 = A, 1 = B, 2 = C, 3 = D.

    uppers: rising upper limits of A, B, C in the unit of value; a value on a limit is already in
    the worse zone. The limits are the user's (presets: config/presets.py).
    """
    z = 0
    for upper in uppers:
        if value >= upper:
            z += 1
    return z


class Drift:
    """Slow movement of a value away from its learnt baseline.

    The baseline is the mean of the first `baseline_windows` (1 .. 16384) values, then frozen.
    From it an exponential mean with a time constant of 2**shift (1 .. 14) values follows.
    A single value counts for at most four times the baseline, so that one knock is not a drift.
    Values are linear (velocity, score), 0 .. 32767. Attributes: learnt, baseline (LSB, 0 until
    learnt), q8 (exponential mean over baseline, 256 = as learnt; 256 until learnt).
    """

    def __init__(self, baseline_windows: int = 200, shift: int = 9):
        if not 1 <= baseline_windows <= 16384 or not 1 <= shift <= 14:
            raise ValueError("drift: use 1..16384 baseline windows and a shift of 1..14")
        self._windows = baseline_windows
        self._shift = shift
        self.relearn()

    def relearn(self):
        """Forget the baseline; the next values make a new one."""
        self.learnt = False
        self.baseline = 0
        self.q8 = 256
        self._count = 0
        self._sum = 0
        self._mean_q14 = 0

    def restore(self, baseline: int, q8: int):
        """Go on from a stored baseline and drift. Raises ValueError for an impossible pair."""
        if not 1 <= baseline <= 32767 or not 0 <= q8 <= _CLIP * 256:
            raise ValueError("drift: the stored baseline is damaged; learn it again")
        self.learnt = True
        self.baseline = baseline
        self._mean_q14 = min(baseline * q8 << (_Q14 - 8), 32767 << _Q14)
        self.q8 = q8

    def update(self, value: int) -> int:
        """Take in one value; returns q8. Allocates nothing."""
        if value < 0:
            value = 0
        elif value > 32767:
            value = 32767
        if not self.learnt:
            self._learn(value)
            return self.q8
        baseline, mean, shift = self.baseline, self._mean_q14, self._shift
        if value > _CLIP * baseline:
            value = _CLIP * baseline
        mean += ((value << _Q14) - mean + (1 << (shift - 1))) >> shift
        self._mean_q14 = mean
        q8 = self.q8 = ((mean >> (_Q14 - 8)) + baseline // 2) // baseline
        return q8

    def _learn(self, value):
        self._sum += value
        self._count += 1
        if self._count == self._windows:
            self.baseline = max(1, (self._sum + self._count // 2) // self._count)
            self._mean_q14 = self.baseline << _Q14
            self.learnt = True


def bearing_frequencies(shaft_hz: float, balls: int, ball_d: float, pitch_d: float,
                        contact_deg: float = 0.0) -> dict:
    """Defect frequencies in Hz of a rolling bearing with a fixed outer ring.

    ball_d and pitch_d in one unit. BSF is the spin of a ball; its fault strikes both rings and
    shows at twice that. Source: kinematics without slip, as in every bearing catalogue.
    """
    if not (shaft_hz > 0 and balls >= 2 and 0 < ball_d < pitch_d and abs(contact_deg) < 90):
        raise ValueError(
            "bearing: needs a speed above 0, 2 or more balls, ball diameter < pitch diameter")
    ratio = ball_d / pitch_d * math.cos(math.radians(contact_deg))
    return {
        "bpfo": balls / 2 * shaft_hz * (1 - ratio),
        "bpfi": balls / 2 * shaft_hz * (1 + ratio),
        "bsf": pitch_d / (2 * ball_d) * shaft_hz * (1 - ratio * ratio),
        "ftf": shaft_hz / 2 * (1 - ratio)}
