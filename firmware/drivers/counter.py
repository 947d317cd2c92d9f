# SPDX-License-Identifier: Apache-2.0
"""Pulses of a meter, a flow sensor or a light barrier: one channel, pulses per interval.

Settings: pin, name (of the channel), unit ("pulses"), scale (units per count, 1.0), divide (pulses
per count, 1; what is left over counts in the next interval), edge ("falling", "rising"), pull
("up", "down", "none"), debounce_ms (0; reed contacts want 5 or more), interval_s.
"""


class Counter:
    """What `firmware.slow` wants to know of it. Raises ValueError."""

    late = True                 # the first interval must have passed

    def __init__(self, settings: dict, clock, hardware):
        checked = hardware.checked(settings, (
            "interval_s", "pin", "name", "unit", "scale", "divide", "edge", "pull",
            "debounce_ms"))
        self.name = checked.text("name", "pulses")
        self.channels = [{
            "name": self.name, "unit": checked.text("unit", "pulses"),
            "scale": float(checked.number("scale", 1e-9, 1e9, 1.0)), "offset": 0.0}]
        self._divide = int(checked.number("divide", 1, 1_000_000, 1))
        rising = checked.one_of("edge", ("falling", "rising"), "falling") == "rising"
        pull = checked.one_of("pull", ("up", "down", "none"), "up")
        self._pulses = hardware.pulses(
            checked.pin(), rising, None if pull == "none" else pull, clock.ticks_ms,
            int(checked.number("debounce_ms", 0, 1000, 0)))
        self._seen = self._pulses.count()
        self._rest = 0

    def start(self) -> None:
        """Nothing to be done."""

    async def measure(self, block, at: int) -> None:
        """Pulses since the last time. Raises OSError for more than an int16 can tell."""
        new = self._pulses.since(self._seen)
        self._seen += new
        new += self._rest
        self._rest = new % self._divide
        if new // self._divide > 32767:
            raise OSError("%s: %d pulses in an interval; set divide, or a shorter interval_s"
                          % (self.name, new))
        block[at] = new // self._divide


def chips(settings: dict, clock, hardware) -> list:
    """For `several`."""
    return [Counter(settings, clock, hardware)]


def make(settings: dict, clock, store, hardware):
    """Driver `counter`."""
    return hardware.slow(chips(settings, clock, hardware), settings, clock)
