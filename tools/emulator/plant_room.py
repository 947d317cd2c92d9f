# SPDX-License-Identifier: Apache-2.0
"""A cold room: thermostat, doors, defrosts, a door left open and a compressor that fails.

Two heat stores (air with shelves, goods), walls to an outside that follows the day, a compressor
with a thermostat (2 K hysteresis) and a minimum standstill, an electric defrost every six hours,
people who open the door in working hours. Integrated in steps of ten seconds. The sensor is an
SHT31 (0.01 units per LSB, its noise and rounding) beside three contacts: door reed, compressor and
defrost heater.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

STEP_S = 10
CHANNELS = [
    {"name": "temperature", "unit": "degC", "scale": 0.01, "offset": 0.0},
    {"name": "humidity", "unit": "%RH", "scale": 0.01, "offset": 0.0},
    {"name": "door", "unit": "open", "scale": 1.0, "offset": 0.0},
    {"name": "compressor", "unit": "on", "scale": 1.0, "offset": 0.0},
    {"name": "defrost", "unit": "on", "scale": 1.0, "offset": 0.0},
]

_AIR_J_K = 150e3                     # air, shelves, inner skin of a 30 m3 room
_GOODS_J_K = 2.4e6                   # 800 kg, mostly water
_GOODS_W_K = 110.0
_WALL_W_K = 45.0
_INSIDE_W = 60.0                     # fans, lamp
_COOLING_W = 1800.0
_DOOR_W_K = 320.0                    # exchange of air through the open door
_DEFROST_W = 150.0                   # the share of the heater that reaches the air
_DEFROST_S = 600
_DEFROST_EVERY_S = 6 * 3600
_SET_LOW, _SET_HIGH = 2.8, 4.8
_REST_S = 180                        # minimum standstill of the compressor
_SENSOR_TAU_S = 90.0


@dataclass
class Scenario:
    """What goes wrong, in seconds since the start; None for a good day."""

    door_left_open: tuple[float, float] | None = None
    compressor_fails_at: float | None = None
    compressor_gone_after_s: float = 1.5 * 3600


class ColdRoom:
    """Seeded; `run_to(t)` integrates, `sample()` is what the sensor says then.

    openings: (start, end) of every door opening, the door that was left open included.
    """

    def __init__(self, seed: int, scenario: Scenario | None = None):
        self.scenario = scenario or Scenario()
        self._random = np.random.default_rng(seed)
        self.t = 0.0
        self.air = self.probe = float(self._random.uniform(3.2, 4.4))
        self.goods = 3.8
        self.humidity = 78.0
        self.compressor = self.door = self.defrosting = False
        self._stopped_at = -1e9
        self._defrost_phase = int(self._random.uniform(1.5, 3.0) * 3600) // STEP_S * STEP_S
        extra = self.scenario.door_left_open
        self.openings = sorted(self._plan_openings(32) + ([extra] if extra else []))
        self._past = 0

    def _plan_openings(self, days: int) -> list[tuple[float, float]]:
        """Door openings: deliveries and pickings between six and nineteen o'clock."""
        openings = []
        for day in range(days):
            for hour in range(6, 19):
                for _ in range(self._random.poisson(2.2 if hour in (7, 8, 15) else 1.1)):
                    start = day * 86400 + hour * 3600 + self._random.uniform(0, 3500)
                    length = float(np.clip(self._random.lognormal(3.7, 0.55), 12, 150))
                    openings.append((start, start + length))
        return sorted(openings)

    def outside(self) -> float:
        """Temperature outside the walls: 20 degrees, 3 more in the afternoon."""
        return 20.0 + 3.0 * math.sin(2 * math.pi * (self.t / 86400 - 0.375))

    def capacity(self) -> float:
        """Cooling power as a share of a healthy compressor's."""
        start = self.scenario.compressor_fails_at
        if start is None or self.t < start:
            return 1.0
        return max(0.0, 1.0 - (self.t - start) / self.scenario.compressor_gone_after_s)

    def _is_open(self, t: float) -> bool:
        for start, end in self.openings[self._past:]:
            if start > t:
                return False
            if t < end:
                return True
        return False

    def run_to(self, t: float) -> None:
        """Integrate up to time `t` in seconds."""
        while self.t + STEP_S <= t:
            self._step()

    def _step(self) -> None:
        t = self.t
        while self._past < len(self.openings) and self.openings[self._past][0] < t - 86400:
            self._past += 1
        self.door = self._is_open(t)
        self.defrosting = (t - self._defrost_phase) % _DEFROST_EVERY_S < _DEFROST_S \
            and t >= self._defrost_phase
        if self.defrosting or self.air <= _SET_LOW:
            if self.compressor:
                self._stopped_at = t
            self.compressor = False
        elif self.air >= _SET_HIGH and t - self._stopped_at >= _REST_S:
            self.compressor = True
        outside = self.outside()
        power = _WALL_W_K * (outside - self.air) + _INSIDE_W
        power += _GOODS_W_K * (self.goods - self.air)
        power += _DOOR_W_K * (outside - self.air) * self.door + _DEFROST_W * self.defrosting
        power -= _COOLING_W * self.capacity() * self.compressor
        self.goods += _GOODS_W_K * (self.air - self.goods) * STEP_S / _GOODS_J_K
        self.air += power * STEP_S / _AIR_J_K
        self.probe += (self.air - self.probe) * STEP_S / _SENSOR_TAU_S
        target = 82.0 - 16.0 * self.compressor * self.capacity()
        target, tau = (96.0, 300.0) if self.defrosting else (target, 500.0)
        target, tau = (95.0, 45.0) if self.door else (target, tau)
        self.humidity += (target - self.humidity) * STEP_S / tau
        self.t += STEP_S

    def sample(self) -> NDArray[np.int16]:
        """Return int16 [5]: temperature, humidity, door, compressor, defrost."""
        temperature = self.probe + self._random.normal(0, 0.02)
        humidity = min(100.0, self.humidity + self._random.normal(0, 0.3))
        return np.array([round(temperature * 100), round(humidity * 100), self.door,
                         self.compressor, self.defrosting], dtype=np.int16)
