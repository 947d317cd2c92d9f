# SPDX-License-Identifier: Apache-2.0
"""A press that fits a bush into a housing: one force curve per part, three kinds of bad parts.

The ram travels 12 mm in 0.32 s while the force is sampled 128 times. After the contact the force
rises with the length in engagement (friction over an interference of some micrometres), at the
end the bush meets its seat. Bad parts: `short` (bush missing its interference or set too deep:
half the force, no seat), `tilted` (an early hump with stick-slip), `cracked` (the housing gives
way: the force falls while pressing). The sensor: 0.01 kN per LSB.
"""

import numpy as np
from numpy.typing import NDArray

POINTS = 128
CYCLE_S = 8.0
RATE_HZ = 400
CHANNELS = [{"name": "force", "unit": "kN", "scale": 0.01, "offset": 0.0}]
KINDS = ("good", "short", "tilted", "cracked")

_CONTACT, _SEAT = 0.18, 0.88          # of the travel
_INTERFERENCE_KN, _SPREAD = 9.0, 0.05
_SEAT_KN = 14.0
_NOISE_KN = 0.05


def curve(random: np.random.Generator, kind: str = "good", wear: float = 0.0) -> NDArray[np.int16]:
    """Return int16 [128]: the force of one part. `wear` 0..1 raises friction as tools wear."""
    x = np.arange(POINTS) / (POINTS - 1)
    contact = _CONTACT + random.normal(0, 0.008)
    seat = _SEAT + random.normal(0, 0.005)
    level = _INTERFERENCE_KN * (1 + random.normal(0, _SPREAD) + 0.06 * wear)
    engaged = np.clip((x - contact) / (seat - contact), 0, 1)
    force = level * engaged ** 0.85
    seating = _SEAT_KN * np.clip((x - seat) / (1 - seat), 0, 1) ** 1.5
    if kind == "short":
        force, seating = 0.5 * force, 0.25 * seating
    elif kind == "tilted":
        hump = random.uniform(2.5, 4.0) * np.exp(-((x - contact - 0.12) / 0.05) ** 2)
        slip = random.uniform(0.5, 0.9) * np.sin(2 * np.pi * 24 * x + random.uniform(0, 6))
        force = force + hump + slip * ((x > contact) & (x < 0.65))
    elif kind == "cracked":
        where = random.uniform(0.45, 0.7)
        force = force * np.where(x > where, random.uniform(0.45, 0.6), 1.0)
        seating = 0.6 * seating
    force = force + seating + random.normal(0, _NOISE_KN, POINTS)
    return np.clip(np.rint(force * 100), -32767, 32767).astype(np.int16)


class Press:
    """Seeded; makes parts in a fixed rhythm while the line may run.

    shifts: (start, end) seconds of the day. bad: list of (time of day, kind): the first part
    made at or after that time is bad.
    """

    def __init__(self, seed: int, bad: list[tuple[float, str]] | None = None,
                 shifts: tuple[tuple[float, float], ...] = ((21600.0, 43200.0),
                                                            (45000.0, 79200.0))):
        self._random = np.random.default_rng(seed)
        self._bad = sorted(bad or [])
        self.shifts = shifts

    def working(self, t: float) -> bool:
        """Whether a part would be made at time `t`."""
        return any(start <= t % 86400 < end for start, end in self.shifts)

    def next_start(self, t: float) -> float:
        """The next moment at or after `t` at which the shift allows a part."""
        if self.working(t):
            return t
        day = t // 86400 * 86400
        starts = [day + start for start, _ in self.shifts] + [day + 86400 + self.shifts[0][0]]
        return min(start for start in starts if start > t)

    def part(self, t: float) -> tuple[str, NDArray[np.int16]]:
        """Return (kind, curve) of the part pressed at time `t`."""
        kind = "good"
        if self._bad and t >= self._bad[0][0]:
            kind = self._bad.pop(0)[1]
        return kind, curve(self._random, kind, wear=t % 86400 / 86400)
