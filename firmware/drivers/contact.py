# SPDX-License-Identifier: Apache-2.0
"""A contact: door reed, relay, thermostat. One channel, 0 or 1, debounced.

Settings: pin, name (of the channel), unit ("on"), one (the pin's level that means 1: 1, or 0),
pull ("up", "down", "none"), debounce_ms (20), interval_s. A reed that a closed door pulls to
ground: pull "up", one 1, so that an open door and a cut wire both read 1.
"""

_LOOKS = 5              # equal ones in a row
_MOST_LOOKS = 30


class Contact:
    """What `firmware.slow` wants to know of it. Raises ValueError."""

    def __init__(self, settings: dict, clock, hardware):
        checked = hardware.checked(settings, (
            "interval_s", "pin", "name", "unit", "one", "pull", "debounce_ms"))
        self.name = checked.text("name", "door")
        self.channels = [{"name": self.name, "unit": checked.text("unit", "on"), "scale": 1.0,
                          "offset": 0.0}]
        self._one = checked.choose("one", (0, 1), 1)
        self._step_ms = max(1, int(checked.number("debounce_ms", 1, 1000, 20)) // _LOOKS)
        pull = checked.one_of("pull", ("up", "down", "none"), "up")
        self._level = hardware.pin(checked.pin(), None if pull == "none" else pull)
        self._sleep_ms = clock.sleep_ms

    def start(self) -> None:
        """Nothing to be done."""

    async def measure(self, block, at: int) -> None:
        """The level that held for the time of debouncing. Raises OSError when none does."""
        level, equal = self._level(), 0
        for _ in range(_MOST_LOOKS):
            await self._sleep_ms(self._step_ms)
            before, level = level, self._level()
            equal = equal + 1 if before == level else 0
            if equal == _LOOKS:
                block[at] = 1 if level == self._one else 0
                return
        raise OSError("%s: the contact does not come to rest; check contact and wires" % self.name)


def chips(settings: dict, clock, hardware) -> list:
    """For `several`."""
    return [Contact(settings, clock, hardware)]


def make(settings: dict, clock, store, hardware):
    """Driver `contact`."""
    return hardware.slow(chips(settings, clock, hardware), settings, clock)
