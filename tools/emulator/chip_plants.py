# SPDX-License-Identifier: Apache-2.0
"""Chips on an emulated board, as its SPEC lists them: which, on which wires, what they feel.

    {"chip": "adxl345", "address": 83 | "select": 17, "interrupt": 15,
     "plant": {"kind": "motor", "seed": 1, ..}, "faults": [[20, "brown_out"], [30, "absent", 35]]}
    {"chip": "sht31", "address": 68, "feels": {"temperature": 4.0, "humidity": 70.0}}

A fault has its time in seconds, its name (absent, stuck, brown_out) and, but for the last, when it
ends. A motor is felt in g; it is sampled at 3200 Hz, and other rates take the nearest sample.
"""

import importlib
from collections.abc import Callable
from typing import Any

from tools.emulator.chips import attach
from tools.emulator.hardware import Hardware
from tools.emulator.plant_motor import LSB, RATE_HZ, G, Motor

CHIPS = {
    "adxl345": ("adxl345", "Adxl345", True),
    "lis3dh": ("lis3dh", "Lis3dh", True),
    "lsm6dsox": ("lsm6dsox", "Lsm6dsox", True),
    "mpu6050": ("mpu6050", "Mpu6050", True),
    "mpu6500": ("mpu6050", "Mpu6500", True),
    "sht31": ("sht", "Sht31", False),
    "sht4x": ("sht", "Sht4x", False),
    "bme280": ("bme280", "Bme280", False),
    "max31865": ("max31865", "Max31865", False),
}
"""Name -> module of chips/, class, whether it samples a movement."""


class MotorSignal:
    """What a chip on the motor feels, in g; made a second at a time."""

    def __init__(self, motor: Motor, rate_hz: Callable[[], float], start_s: float):
        self._motor, self._rate_hz, self._start_s = motor, rate_hz, start_s
        self._second = -1
        self._samples: list[list[float]] = []

    def __call__(self, index: int, t_s: float) -> list[float]:
        second, at = divmod(round(index * RATE_HZ / self._rate_hz()), RATE_HZ)
        if second != self._second:
            self._second = second
            made = self._motor.samples(self._start_s + t_s, RATE_HZ)
            self._samples = (made * (LSB / G)).tolist()
        return self._samples[at]


def wire(hw: Hardware, entries: list[dict[str, Any]], start_s: float = 0.0) -> None:
    """Put the chips of a SPEC on the board's buses. start_s: the plant's time at power-on."""
    for entry in entries:
        chip = make(entry, lambda: hw.clock.now_us, start_s)
        for fault in entry.get("faults", []):
            _plan(hw, chip, *fault)
        attach(hw, chip, entry.get("address"), entry.get("select"), entry.get("interrupt"))


def make(entry: dict[str, Any], now_us: Callable[[], int], start_s: float = 0.0) -> Any:
    """A chip: an accelerometer screwed to its plant, another one with what `feels` says.

    Raises ValueError for a chip that is not known.
    """
    name = entry["chip"]
    if name not in CHIPS:
        raise ValueError(f"no chip {name!r}; there are {', '.join(sorted(CHIPS))}")
    module, kind, sampled = CHIPS[name]
    chip_class = getattr(importlib.import_module("tools.emulator.chips." + module), kind)
    if not sampled:
        chip = chip_class(now_us)
        for feeling, value in entry.get("feels", {}).items():
            if not hasattr(chip, feeling):
                raise ValueError(f"a {name} does not feel {feeling!r}")
            setattr(chip, feeling, value)
        return chip
    plant = dict(entry.get("plant", {"kind": "motor"}))
    if plant.pop("kind") != "motor":
        raise ValueError(f"a {name} feels a motor only")
    chips: list[Any] = []

    def rate_hz() -> float:
        return chips[0].rate_mhz() / 1000 or RATE_HZ

    chips.append(chip_class(now_us, MotorSignal(Motor(**{"seed": 1, **plant}), rate_hz, start_s)))
    return chips[0]


def _plan(hw: Hardware, chip: Any, start_s: float, name: str, end_s: float | None = None) -> None:
    """Let a fault happen, and end."""
    if name == "brown_out":
        hw.clock.call_at(round(start_s * 1e6), chip.brown_out)
        return
    hw.clock.call_at(round(start_s * 1e6), lambda: setattr(chip, name, True))
    if end_s is not None:
        hw.clock.call_at(round(end_s * 1e6), lambda: setattr(chip, name, False))
