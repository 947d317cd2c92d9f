# SPDX-License-Identifier: Apache-2.0
"""Chips on an emulated board, as its SPEC lists them: which, on which wires, what they feel.

    {"chip": "adxl345", "address": 83 | "select": 17, "interrupt": 15,
     "plant": {"kind": "motor", "seed": 1, ..}, "faults": [[20, "brown_out"], [30, "absent", 35]]}

A fault has its time in seconds, its name (absent, stuck, brown_out) and, but for the last, when it
ends. A motor is felt in g; it is sampled at 3200 Hz, and other rates take the nearest sample.
"""

import importlib
from collections.abc import Callable
from typing import Any

from tools.emulator.chips import attach
from tools.emulator.hardware import Hardware
from tools.emulator.plant_motor import LSB, RATE_HZ, G, Motor


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
        chip = _make(hw, entry["chip"], dict(entry.get("plant", {"kind": "motor"})), start_s)
        for fault in entry.get("faults", []):
            _plan(hw, chip, *fault)
        attach(hw, chip, entry.get("address"), entry.get("select"), entry.get("interrupt"))


def _make(hw: Hardware, name: str, plant: dict[str, Any], start_s: float) -> Any:
    """A chip that is screwed to a plant."""
    if plant.pop("kind") != "motor":
        raise ValueError("chips feel a motor only so far")
    module = importlib.import_module("tools.emulator.chips." + name)
    chips: list[Any] = []

    def rate_hz() -> float:
        return chips[0].rate_mhz() / 1000 or RATE_HZ

    signal = MotorSignal(Motor(**{"seed": 1, **plant}), rate_hz, start_s)
    chips.append(getattr(module, name.capitalize())(lambda: hw.clock.now_us, signal))
    return chips[0]


def _plan(hw: Hardware, chip: Any, start_s: float, name: str, end_s: float | None = None) -> None:
    """Let a fault happen, and end."""
    if name == "brown_out":
        hw.clock.call_at(round(start_s * 1e6), chip.brown_out)
        return
    hw.clock.call_at(round(start_s * 1e6), lambda: setattr(chip, name, True))
    if end_s is not None:
        hw.clock.call_at(round(end_s * 1e6), lambda: setattr(chip, name, False))
