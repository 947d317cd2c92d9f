# SPDX-License-Identifier: Apache-2.0
"""ADXL345, three-axis accelerometer: 13 bits, FIFO of 32, up to 3200 Hz (SPI) or 800 Hz (I2C).

Settings: i2c or spi, address (0x53, or 0x1D with SDO high), rate_hz, range_g, axes, interrupt (the
pin at INT1). Full resolution: 3.9 mg per count in every range. Registers: ADXL345 data sheet,
"Register Map". The FIFO gives one sample per burst of six bytes and wants 5 us between them.
"""

_ADDRESS = 0x53
_ID = (0x00, (0xE5,))
_BW_RATE = 0x2C
_POWER_CTL = 0x2D
_INT_ENABLE = 0x2E
_INT_MAP = 0x2F
_INT_SOURCE = 0x30
_DATA_FORMAT = 0x31
_DATA = 0x32
_FIFO_CTL = 0x38
_FIFO_STATUS = 0x39

_RATES = (12.5, 25, 50, 100, 200, 400, 800, 1600, 3200)
_SLOWEST = 7            # BW_RATE of the first
_RANGES = (2, 4, 8, 16)
_G_PER_COUNT = 0.0039
_I2C_SHARE = 500        # bits of bus clock per sample: 800 Hz at 400 kHz


class Adxl345:
    """What `firmware.fifo` wants to know of the chip. Raises ValueError, OSError."""

    name = "adxl345"
    identity = _ID
    depth = 32
    burst = 16
    settle = 1
    noisy = True

    def __init__(self, settings: dict, hardware):
        checked = hardware.checked(settings, ("rate_hz", "range_g", "axes", "interrupt"))
        rate = checked.choose("rate_hz", _RATES, 3200 if "spi" in settings else 800)
        reach = checked.choose("range_g", _RANGES, 16)
        axes = checked.axes()
        if settings.get("spi") is None:
            fastest = hardware.i2c_freq(settings) // _I2C_SHARE
            if _RATES[rate] > fastest:
                raise ValueError("rate_hz %g is too fast for I2C; use %d or less, or SPI"
                                 % (_RATES[rate], fastest))
        self.registers = hardware.registers(settings, _ADDRESS, spi_multi=0x40, spi_freq=5_000_000)
        self.rate_mhz = int(_RATES[rate] * 1000)
        self.channels = [
            {"name": "xyz"[i], "unit": "g", "scale": _G_PER_COUNT, "offset": 0.0} for i in axes]
        reader = self.registers.reader(_DATA, 6, self.burst)
        self.raw, self.fetch = reader.raw, reader.fetch
        self.layout = [reader.lead + 6, len(axes)]
        for i in axes:
            self.layout += [reader.lead + 2 * i, reader.lead + 2 * i + 1]
        self.clear = ((_POWER_CTL, 0), (_FIFO_CTL, 0))
        self.config = (
            (_INT_ENABLE, 0x02),                        # watermark
            (_INT_MAP, 0x00),                           # at INT1
            (_DATA_FORMAT, 0x08 | reach),               # full resolution
            (_BW_RATE, _SLOWEST + rate),
            (_FIFO_CTL, 0x80 | self.burst),             # stream
            (_POWER_CTL, 0x08))                         # measure

    def level(self) -> int:
        """Samples in the FIFO; -1 when older ones were overwritten."""
        level = self.registers.read(_FIFO_STATUS) & 0x3F
        if level > 32 and self.registers.read(_INT_SOURCE) & 0x01:
            return -1
        return level


def make(settings: dict, clock, store, hardware):
    """Driver `adxl345`."""
    return hardware.fifo(Adxl345(settings, hardware), settings, clock)
