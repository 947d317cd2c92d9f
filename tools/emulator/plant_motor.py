# SPDX-License-Identifier: Apache-2.0
"""A motor with a three-axis accelerometer and a bearing that starts to fail.

A four-pole induction motor at 50 Hz: the shaft turns at 25 Hz less the slip of its load, shows
unbalance (1x), misalignment (2x), a little 3x, the magnetic hum at 100 Hz and broadband noise of
the machine. The bearing is a 6205 (9 balls of 7.94 mm on a 39.04 mm pitch circle); a defect on
its outer race sends one impulse per ball passage (BPFO, 3.585 x shaft) into a structural
resonance. The sensor is an ADXL345 at 3200 Hz: 3.9 mg per LSB, about 12 mg of noise.
"""

import math

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 3200
G = 9.80665
LSB = 0.0039 * G                     # m/s^2 per LSB, full resolution mode
CHANNELS = [{"name": name, "unit": "m/s^2", "scale": LSB, "offset": 0.0} for name in "xyz"]

_SYNCHRONOUS_HZ = 25.0
_FULL_LOAD_SLIP = 0.03
_BPFO_ORDER = 4.5 * (1 - 7.94 / 39.04)
_VELOCITY_RMS = {1: 0.60e-3, 2: 0.28e-3, 3: 0.12e-3}   # m/s at full load, per shaft order
_HUM_RMS = 0.10                      # m/s^2 at 100 Hz
_ROUGHNESS_RMS = 0.15                # m/s^2, running only
_SENSOR_NOISE_RMS = 0.012 * G
_RESONANCE_HZ = 1150.0
_DAMPING = 0.035
_IMPULSE_END = 24.0                  # m/s^2 first peak, when the defect is fully grown
_GROWTH_S = 10 * 3600.0              # from the first defect to fully grown
_LOOSENESS = 1.6                     # how much 1x..3x have grown by then
_AXIS = np.array([[0.9, 0.5, 0.7], [0.6, 1.0, 0.5], [0.5, 0.7, 1.0]])   # order x axis


class Motor:
    """Seeded; `samples(t, n)` may be called for any increasing times.

    fault_at_s: time of day at which the defect starts to grow, or None for a healthy motor.
    shifts: (start, end) seconds of the day in which it runs.
    """

    def __init__(self, seed: int, fault_at_s: float | None = None,
                 shifts: tuple[tuple[float, float], ...] = ((21600.0, 43200.0),
                                                            (45000.0, 79200.0))):
        self.fault_at_s = fault_at_s
        self.shifts = shifts
        self._random = np.random.default_rng(seed)
        self._loads = self._random.uniform(0.35, 1.0, 4096)
        self._steps = np.cumsum(self._random.uniform(600, 2400, 4096))

    def running(self, t: float) -> bool:
        """Whether the motor turns at time `t` (seconds; shifts repeat daily)."""
        return any(start <= t % 86400 < end for start, end in self.shifts)

    def load(self, t: float) -> float:
        """Load as a share of full load; a new level every 10 to 40 minutes."""
        return float(self._loads[int(np.searchsorted(self._steps, t)) % 4096])

    def severity(self, t: float) -> float:
        """0 healthy .. 1 fully grown; grows with the square of time, as spalls do at first."""
        if self.fault_at_s is None or t <= self.fault_at_s:
            return 0.0
        return min(1.0, (t - self.fault_at_s) / _GROWTH_S) ** 2

    def samples(self, t: float, count: int) -> NDArray[np.int16]:
        """Return int16 [count, 3]: what the sensor's FIFO holds after `count` samples from `t`."""
        signal = self._random.normal(0.0, _SENSOR_NOISE_RMS, (count, 3))
        signal[:, 2] += G
        if self.running(t):
            signal += self._vibration(t, count)
        return np.clip(np.rint(signal / LSB), -4096, 4095).astype(np.int16)

    def _vibration(self, t: float, count: int) -> NDArray[np.float64]:
        random = self._random
        load, severity = self.load(t), self.severity(t)
        shaft = _SYNCHRONOUS_HZ * (1 - _FULL_LOAD_SLIP * load) * (1 + random.normal(0, 2e-4))
        time = np.arange(count) / RATE_HZ
        signal = random.normal(0.0, _ROUGHNESS_RMS * (0.8 + 0.4 * load), (count, 3))
        for order, velocity in _VELOCITY_RMS.items():
            omega = 2 * math.pi * order * shaft
            peak = velocity * omega * math.sqrt(2) * (0.7 + 0.3 * load)
            peak *= (1 + (_LOOSENESS - 1) * severity) * (1 + random.normal(0, 0.05))
            for axis in range(3):
                phase = random.uniform(0, 2 * math.pi)
                signal[:, axis] += peak * _AXIS[order - 1, axis] * np.sin(omega * time + phase)
        hum = _HUM_RMS * math.sqrt(2) * (0.6 + 0.4 * load)
        signal[:, 1] += hum * np.sin(2 * math.pi * 100 * time + random.uniform(0, 6.28))
        if severity > 0:
            ringing = self._ringing(shaft, severity * (0.7 + 0.3 * load), count)
            signal += ringing[:, None] * np.array([1.0, 0.8, 0.6])
        return signal

    def _ringing(self, shaft: float, severity: float, count: int) -> NDArray[np.float64]:
        """Outer-race impulses, 1 % slip jitter, each a decaying oscillation of the housing."""
        random = self._random
        period = RATE_HZ / (_BPFO_ORDER * shaft)
        omega = 2 * math.pi * _RESONANCE_HZ / RATE_HZ
        tail = np.arange(160)
        response = np.exp(-_DAMPING * omega * tail) * np.sin(omega * tail + 1.2)
        train = np.zeros(count + 160)
        position = random.uniform(0, period)
        while position < count:
            train[int(position)] += _IMPULSE_END * severity * random.uniform(0.75, 1.25)
            position += period * random.normal(1.0, 0.01)
        return np.convolve(train, response)[:count]
