# SPDX-License-Identifier: Apache-2.0
"""The simulated plants as sensor drivers: what `"driver": "plant"` means on an emulated board.

A driver has `channels`, `rate_mhz`, `parts` and `dropped`, and `await read(block)` that waits as
long as the real sensor would, fills `block` (interleaved int16) and returns the sample count.
"""

from array import array
from collections.abc import Callable
from types import ModuleType
from typing import Any

from tools.emulator.hardware import Hardware
from tools.emulator.plant_motor import CHANNELS as MOTOR_CHANNELS
from tools.emulator.plant_motor import RATE_HZ, Motor
from tools.emulator.plant_press import CHANNELS as PRESS_CHANNELS
from tools.emulator.plant_press import CYCLE_S, POINTS, Press
from tools.emulator.plant_press import RATE_HZ as PRESS_RATE_HZ
from tools.emulator.plant_room import CHANNELS as ROOM_CHANNELS
from tools.emulator.plant_room import ColdRoom, Scenario


def _fill(block: Any, samples: Any) -> int:
    flat = array("h", samples.astype("<i2").tobytes())
    block[:len(flat)] = flat
    return len(samples)


class MotorDriver:
    """Accelerometer on the motor: every read is one FIFO of samples."""

    channels = MOTOR_CHANNELS
    rate_mhz = RATE_HZ * 1000
    parts = False

    def __init__(self, now_s: Callable[[], float], clock: Any, plant: dict[str, Any]):
        self._now_s, self._clock = now_s, clock
        self._motor = Motor(**plant)
        self.dropped = 0

    async def read(self, block: Any) -> int:
        count = len(block) // 3
        start = self._now_s()
        await self._clock.sleep_ms(max(1, count * 1000 // RATE_HZ))
        return _fill(block, self._motor.samples(start, count))


class RoomDriver:
    """Probe and contacts of the cold room, every `period_ms`."""

    channels = ROOM_CHANNELS
    parts = False

    def __init__(self, hw: Hardware, now_s: Callable[[], float], clock: Any,
                 plant: dict[str, Any], period_ms: int):
        self._hw, self._now_s, self._clock = hw, now_s, clock
        plant = dict(plant)
        scenario = dict(plant.pop("scenario", {}))
        if scenario.get("door_left_open"):
            scenario["door_left_open"] = tuple(scenario["door_left_open"])
        self._room = ColdRoom(scenario=Scenario(**scenario), **plant)
        self._period_ms = period_ms
        self._due_ms = clock.ticks_ms()
        self.rate_mhz = 1_000_000 // period_ms
        self.dropped = 0

    async def read(self, block: Any) -> int:
        clock = self._clock
        self._due_ms = clock.add(self._due_ms, self._period_ms)
        await clock.sleep_ms(clock.diff(self._due_ms, clock.ticks_ms()))
        self._room.run_to(self._now_s())
        count = _fill(block, self._room.sample()[None])
        self._hw.observe("room", temperature=block[0], door=block[2], compressor=block[3],
                         defrost=block[4])
        return count


class PressDriver:
    """Force cell of the press: one part per read, while the line-stop output is off.

    The line stands while `stop_pin` is low, the fail-safe polarity of a line-stop relay.
    """

    channels = PRESS_CHANNELS
    rate_mhz = PRESS_RATE_HZ * 1000
    parts = True

    def __init__(self, hw: Hardware, now_s: Callable[[], float], clock: Any,
                 plant: dict[str, Any], stop_pin: int):
        self._hw, self._now_s, self._clock = hw, now_s, clock
        plant = dict(plant)
        plant["bad"] = [tuple(entry) for entry in plant.get("bad", [])]
        self._press = Press(**plant)
        self._stop_pin = stop_pin
        self.dropped = 0

    async def read(self, block: Any) -> int:
        hw = self._hw
        await self._clock.sleep_ms(round(CYCLE_S * 1000))
        while True:
            now = self._now_s()
            start = self._press.next_start(now)
            if start > now:
                await self._clock.sleep_ms(round((start - now) * 1000))
            elif hw.pins.get(self._stop_pin, 0) == 0:
                await self._clock.sleep_ms(1000)
            else:
                break
        kind, curve = self._press.part(now)
        hw.observe("part", made=kind)
        await self._clock.sleep_ms(POINTS * 1000 // PRESS_RATE_HZ)
        return _fill(block, curve[:, None])


def build(hw: Hardware, plant: dict[str, Any], start_s: float = 0.0) -> ModuleType:
    """Return the driver module `plant`; `plant` is {"kind": "motor"|"room"|"press", ...}.

    start_s: the plant's time of day when the board is switched on.
    """
    module = ModuleType("firmware.drivers.plant")
    settings = dict(plant)
    kind = settings.pop("kind")

    def now_s() -> float:
        return start_s + hw.clock.now_us / 1e6

    def make(sensor: dict[str, Any], clock: Any, store: Any, hardware: Any) -> Any:
        if kind == "motor":
            return MotorDriver(now_s, clock, settings)
        if kind == "room":
            return RoomDriver(hw, now_s, clock, settings, sensor.get("period_ms", 60_000))
        return PressDriver(hw, now_s, clock, settings, sensor.get("stop_pin", 15))

    module.__dict__["make"] = make
    return module
