# SPDX-License-Identifier: Apache-2.0
"""MAX31865 as in its data sheet (19-6478), "Internal Registers" (tables 1 to 7), "Fault Detection
Cycle" and "Electrical Characteristics": one-shot conversions, thresholds, fault status, bias.
"""

CONFIG, RTD, HIGH, LOW, FAULTS = 0x00, 0x01, 0x03, 0x05, 0x07
_POWER_ON = b"\x00\x00\x00\xff\xff\x00\x00\x00"
_SETTLE_US = 9_000              # below this after the bias came on a conversion is wrong


def platinum(t):
    """R / R0 of EN 60751."""
    ratio = 1 + 3.9083e-3 * t - 5.775e-7 * t * t
    return ratio if t >= 0 else ratio - 4.183e-12 * (t - 100) * t ** 3


class Max31865:
    """now_us: the clock. ohm: between RTDIN+ and RTDIN-; reference: its resistor.

    Faults: absent, open_wire (None, "rtd", "force-", "reference"), shorted, overvoltage,
    `brown_out()`. `bias_us`: how long the bias has been on, `measured`.
    """

    def __init__(self, now_us, ohm=100.0, reference=430.0):
        self.ohm = ohm
        self.reference = reference
        self.absent = False
        self.open_wire = None
        self.shorted = self.overvoltage = False
        self.measured = 0
        self.bias_us = 0
        self._now_us = now_us
        self._command = True
        self._pointer = 0
        self._bias_since = None
        self.brown_out()

    def brown_out(self):
        """The supply dipped: as after power-on."""
        self.registers = bytearray(_POWER_ON)
        self._shot_us = self._cycle_us = None
        self._bias(0)

    def select(self, level):
        """The level of the select pin."""
        self._command = True

    def transfer(self, data):
        """SPI, mode 1 or 3: address (bit 7: write), then bytes of it and those that follow."""
        if self.absent:
            return b"\xff" * len(data)
        self._advance()
        out = bytearray(len(data))
        for i in range(len(data)):
            if self._command:
                self._command = False
                self._pointer = data[i]
                continue
            if self._pointer & 0x80:
                self._poke(self._pointer & 0x7F, data[i])
            elif self._pointer < len(self.registers):
                out[i] = self.registers[self._pointer]
            self._pointer += 1
        return bytes(out)

    def _poke(self, register, value):
        if HIGH <= register < FAULTS:
            self.registers[register] = value
        if register != CONFIG:
            return
        if value & 0x02 and not value & 0x2C:
            self.registers[FAULTS] = 0
            self.registers[RTD + 1] &= 0xFE
        self._bias(value & 0x80)
        self.registers[CONFIG] = value & 0xD1 | value & 0x0C
        assert not value & 0x40, "automatic conversion is not modelled"
        if value & 0x20:
            self._shot_us = self._now_us() + (66_000 if value & 1 else 55_000)
        if value & 0x0C:
            assert value & 0x0C == 0x04, "the manual cycle is not modelled"
            self._cycle_us = self._now_us() + 600

    def _bias(self, on):
        now = self._now_us()
        if on and self._bias_since is None:
            self._bias_since = now
        elif not on and self._bias_since is not None:
            self.bias_us += now - self._bias_since
            self._bias_since = None

    def _advance(self):
        now = self._now_us()
        if self._cycle_us is not None and now >= self._cycle_us:
            self._cycle_us = None
            self.registers[CONFIG] &= 0xF3
            self.registers[FAULTS] |= self._detected()
        if self._shot_us is not None and now >= self._shot_us:
            self._convert(self._shot_us)

    def _detected(self):
        """Fault status bits that the detection cycle finds (tables 7 and 8)."""
        bits = {None: 0, "rtd": 0, "force-": 0x18, "reference": 0x20}[self.open_wire]
        return bits | (0x04 if self.overvoltage else 0)

    def _convert(self, at_us):
        self._shot_us = None
        self.measured += 1
        counts = 0
        if self._bias_since is not None:
            counts = int(round(self.ohm / self.reference * 32768))
            if at_us - self._bias_since < _SETTLE_US + 55_000:
                counts = int(counts * 0.98)
        if self.open_wire in ("rtd", "force-"):
            counts = 0x7FFF
        counts = 0 if self.shorted else min(0x7FFF, counts)
        high = (self.registers[HIGH] << 8 | self.registers[HIGH + 1]) >> 1
        low = (self.registers[LOW] << 8 | self.registers[LOW + 1]) >> 1
        self.registers[FAULTS] |= (0x80 if counts >= high else 0) | (0x40 if counts <= low else 0)
        self.registers[FAULTS] |= 0x04 if self.overvoltage else 0
        fault = 1 if self.registers[FAULTS] else 0
        self.registers[RTD] = counts >> 7
        self.registers[RTD + 1] = counts << 1 & 0xFE | fault
