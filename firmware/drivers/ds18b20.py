# SPDX-License-Identifier: Apache-2.0
"""DS18B20 temperature probes, any number of them on one pin (1-Wire, three wires, 4.7 kOhm).

Settings: pin, interval_s, probes {NAME: ROM as 16 hex digits}; a single probe needs no `probes`
and is called `temperature`. 12 bits, 0.75 s per reading. DS18B20 data sheet: "Memory",
"Configuration Register", "DS18B20 Function Commands". A shorted bus reads as 0.00 degC with a
valid CRC, a probe that lost power while measuring as 85.00 degC; both are refused.
"""

_FAMILIES = (0x28, 0x22)
_READ_POWER = 0xB4
_CONVERT = 0x44
_READ_SCRATCHPAD = 0xBE
_CONVERT_MS = 750
_POWER_ON = 0x0550              # 85 degC
_CONFIG_12_BIT = 0x7F
_ALARMS_12_BIT = b"\x4b\x46\x7f"    # TH, TL as delivered, configuration
_TRIES = 3


class Ds18b20:
    """What `firmware.slow` wants to know of the probes of a bus. Raises ValueError."""

    name = "ds18b20"

    def __init__(self, settings: dict, clock, hardware):
        checked = hardware.checked(settings, ("interval_s", "prefix", "pin", "probes"))
        self._pin = checked.pin()
        self._sleep_ms = clock.sleep_ms
        probes = settings.get("probes")
        self._search = probes is None
        self._names = ["temperature"]
        self._roms = [None]
        if not self._search:
            if not isinstance(probes, dict) or not probes:
                raise ValueError('probes must be like {"air": "28FF641E8016044C"}')
            self._names = sorted(probes)
            self._roms = [_rom(name, probes[name]) for name in self._names]
        self.channels = [checked.channel(name, "degC") for name in self._names]
        self._probes = hardware.onewire(self._pin)
        for i in range(len(self._roms)):
            if self._roms[i] and self._probes.ow.crc8(self._roms[i]):
                raise ValueError("probes.%s does not match its last two digits; mistyped?"
                                 % self._names[i])

    def start(self) -> None:
        """Look for the bus and, without `probes`, for the one probe on it. Raises OSError."""
        self._look()
        bus = self._probes.ow
        if self._search:
            found = [rom for rom in self._probes.scan() if rom[0] in _FAMILIES]
            if len(found) != 1:
                names = ", ".join(["".join(["%02X" % byte for byte in rom]) for rom in found])
                raise OSError("ds18b20: %d probes on pin %s%s; name them in probes"
                              % (len(found), self._pin, ": " + names if found else ""))
            self._roms[0] = found[0]
        self._look()
        bus.writebyte(bus.SKIP_ROM)
        bus.writebyte(_READ_POWER)
        if not bus.readbit():
            raise OSError("ds18b20: a probe on pin %s has no supply; connect all three wires"
                          % self._pin)

    async def measure(self, block, at: int):
        """Each probe in 0.01 degC. Returns the OSError of the last one without a reading.

        Raises OSError when there is none at all.
        """
        probes = self._probes
        self._look()
        probes.ow.writebyte(probes.ow.SKIP_ROM)
        probes.ow.writebyte(_CONVERT)
        await self._sleep_ms(_CONVERT_MS)
        error = None
        good = 0
        for i in range(len(self._roms)):
            try:
                block[at + i] = self._read(i)
                good += 1
            except OSError as failed:
                error = failed
        if not good:
            raise error
        return error

    def _look(self) -> None:
        """Reset the bus: somebody there, and no short? Raises OSError."""
        bus = self._probes.ow
        if not bus.reset():
            raise OSError("ds18b20: no answer on pin %s; check wires, power and the pull-up of 4.7"
                          " kOhm" % self._pin)
        if not bus.readbit():
            raise OSError("ds18b20: pin %s is shorted to ground" % self._pin)

    def _read(self, which: int) -> int:
        """One probe's temperature in 0.01 degC. Raises OSError."""
        memory = self._memory(which)
        name = self._names[which]
        if memory[4] != _CONFIG_12_BIT:
            self._probes.write_scratch(self._roms[which], _ALARMS_12_BIT)
            raise OSError("ds18b20: %s was not set to 12 bits; it is now" % name)
        raw = memory[1] << 8 | memory[0]
        if raw == _POWER_ON:
            raise OSError("ds18b20: %s lost power while it measured (85.00 degC)" % name)
        raw -= 65536 if raw & 0x8000 else 0
        return raw * 100 + 8 >> 4

    def _memory(self, which: int):
        """The scratchpad, with a valid CRC. Raises OSError."""
        bus = self._probes.ow
        memory = self._probes.buf
        for _ in range(_TRIES):
            if not bus.reset():
                break
            bus.select_rom(self._roms[which])
            bus.writebyte(_READ_SCRATCHPAD)
            bus.readinto(memory)
            if bus.crc8(memory) == 0 and memory[4] & 0x9F == 0x1F:
                return memory
        kind = "does not answer" if min(memory) == 0xFF else "answers with a wrong CRC"
        raise OSError("ds18b20: %s on pin %s %s; check its wires" % (
            self._names[which], self._pin, kind))


def _rom(name: str, text):
    try:
        rom = bytearray([int(text[i:i + 2], 16) for i in range(0, 16, 2)])
        if len(text) == 16 and rom[0] in _FAMILIES:
            return rom
    except (ValueError, TypeError):
        pass
    raise ValueError("probes.%s must be the 16 hex digits of a DS18B20, family 28 first, not %r"
                     % (name, text))


def chips(settings: dict, clock, hardware) -> list:
    """For `several`."""
    return [Ds18b20(settings, clock, hardware)]


def make(settings: dict, clock, store, hardware):
    """Driver `ds18b20`."""
    return hardware.slow(chips(settings, clock, hardware), settings, clock)
