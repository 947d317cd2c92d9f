# SPDX-License-Identifier: Apache-2.0
"""Analogue inputs: current loops, current clamps, potentiometers, pressure sensors.

Settings: pins (a list), names and units (lists of the same length), points ([[volt, value], [volt,
value]], which make the scale; volts without), reference_v (3.3), valid_v ([low, high]; beyond them
the sensor or its wire is broken), and rate_hz (a timer samples; 10 to 2000) or interval_s (one
reading each, the mean over 0.1 s, in which mains hum cancels out).

4 to 20 mA over 150 ohm, 0 to 10 bar: points [[0.6, 0], [3.0, 10]], valid_v [0.54, 3.15] (NAMUR
NE 43: below 3.6 mA and above 21 mA).
"""

_RATES = (10, 20, 25, 40, 50, 100, 125, 200, 250, 400, 500, 625, 800, 1000, 1250, 2000)
_FULL = 65535
_READINGS = 100         # 1 ms apart: 5 periods of 50 Hz, 6 of 60 Hz


class Inputs:
    """Some inputs with one scale. For `firmware.slow` it is a chip. Raises ValueError."""

    name = "adc"

    def __init__(self, settings: dict, clock, hardware):
        checked = hardware.checked(settings, (
            "interval_s", "rate_hz", "prefix", "pins", "names", "units", "points", "reference_v",
            "valid_v"))
        pins = checked.items("pins", 1, 4, None)
        names = checked.items("names", len(pins), len(pins),
                              ["input%d" % (i + 1) for i in range(len(pins))])
        units = checked.items("units", len(pins), len(pins), ["V"] * len(pins))
        reference = checked.number("reference_v", 0.5, 50, 3.3)
        scale, offset = checked.line("points", reference / _FULL)
        offset += 32768 * scale
        self.channels = [checked.channel(names[i], units[i], scale, offset)
                         for i in range(len(pins))]
        valid = checked.items("valid_v", 2, 2, [-1, 1000])
        if not valid[0] < valid[1]:
            raise ValueError("valid_v must be two voltages, the lower one first, not %r" % valid)
        self.checks = settings.get("valid_v") is not None
        self._low = valid[0] / reference * _FULL - 32768
        self._high = valid[1] / reference * _FULL - 32768
        self._pins = pins
        self._sleep_ms = clock.sleep_ms
        self._volt = reference / _FULL
        self.inputs = [hardware.adc(pin) for pin in pins]
        self.rate_hz = None
        if settings.get("rate_hz") is not None:
            self.rate_hz = _RATES[checked.choose("rate_hz", _RATES, None)]

    def start(self) -> None:
        """Nothing to be done."""

    async def measure(self, block, at: int):
        """The mean of each input. Returns the OSError of one whose sensor is broken."""
        width = len(self.inputs)
        sums = [0] * width
        for _ in range(_READINGS):
            for i in range(width):
                sums[i] += self.inputs[i].read_u16()
            await self._sleep_ms(1)
        error = None
        for i in range(width):
            value = (sums[i] + _READINGS // 2) // _READINGS - 32768
            if self._low <= value <= self._high:
                block[at + i] = max(-32767, value)
            else:
                error = self._broken(i, value)
        return error

    def refuse(self, block, count: int) -> None:
        """Raises OSError when all `count` samples of an input are invalid. Allocates nothing."""
        width = len(self.inputs)
        for i in range(width):
            at = i
            while at < count * width and not self._low <= block[at] <= self._high:
                at += width
            if at >= count * width:
                raise self._broken(i, block[i])

    def _broken(self, which: int, value: int):
        return OSError("adc: pin %s reads %.2f V; its sensor or wire is broken"
                       % (self._pins[which], (value + 32768) * self._volt))


def chips(settings: dict, clock, hardware) -> list:
    """For `several`."""
    inputs = Inputs(settings, clock, hardware)
    if inputs.rate_hz:
        raise ValueError("adc with a rate_hz cannot be one of several; give it its own pipeline")
    return [inputs]


def make(settings: dict, clock, store, hardware):
    """Driver `adc`."""
    inputs = Inputs(settings, clock, hardware)
    if not inputs.rate_hz:
        return hardware.slow([inputs], settings, clock)
    refuse = inputs.refuse if inputs.checks else None
    return hardware.timed(inputs.inputs, inputs.channels, inputs.rate_hz, clock, refuse)
