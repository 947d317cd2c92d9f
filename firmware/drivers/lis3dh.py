# SPDX-License-Identifier: Apache-2.0
"""LIS3DH, three-axis accelerometer: FIFO of 32; 12 bits up to 1344 Hz, 8 bits at 1600 and 5376 Hz.

Settings: i2c or spi, address (0x18, or 0x19 with SA0 high), rate_hz, range_g, axes, interrupt (the
pin at INT1). Counts are left-justified: 1/16 of the data sheet's mg per digit. Registers: LIS3DH
data sheet, section 8; FIFO: AN3308, section 9. A count is above the noise in wide ranges: at rest
one value may then stay for ever, so only the 12-bit ranges of 2 and 4 g are watched for that.
"""

_ADDRESS = 0x18
_ID = (0x0F, (0x33,))
_CTRL_REG1 = 0x20
_CTRL_REG3 = 0x22
_CTRL_REG4 = 0x23
_CTRL_REG5 = 0x24
_DATA = 0x28
_FIFO_CTRL = 0x2E
_FIFO_SRC = 0x2F

_RATES = (10, 25, 50, 100, 200, 400, 1344, 1600, 5376)
_ODR = (2, 3, 4, 5, 6, 7, 9, 8, 9)
_EIGHT_BITS = 7         # from this rate on
_RANGES = (2, 4, 8, 16)
_MG_PER_DIGIT = (1, 2, 4, 12)
_I2C_SHARE = 100        # bits of bus clock per sample: 56, and time between the bursts


class Lis3dh:
    """What `firmware.fifo` wants to know of the chip. Raises ValueError, OSError."""

    name = "lis3dh"
    identity = _ID
    depth = 32
    settle = 1

    def __init__(self, settings: dict, hardware):
        checked = hardware.checked(settings, ("rate_hz", "range_g", "axes", "interrupt"))
        rate = checked.choose("rate_hz", _RATES, 1344)
        reach = checked.choose("range_g", _RANGES, 8)
        axes = checked.axes()
        if settings.get("spi") is None:
            fastest = hardware.i2c_freq(settings) // _I2C_SHARE
            if _RATES[rate] > fastest:
                raise ValueError("rate_hz %g is too fast for I2C; use %d or less, or SPI"
                                 % (_RATES[rate], fastest))
        self.registers = hardware.registers(settings, _ADDRESS, i2c_multi=0x80, spi_multi=0x40,
                                            spi_freq=10_000_000)
        small = rate >= _EIGHT_BITS
        self.noisy = reach < 2 and not small
        self.rate_mhz = _RATES[rate] * 1000
        self.burst = 8 if _RATES[rate] > 2000 else 16
        scale = _MG_PER_DIGIT[reach] / 16000
        self.channels = [
            {"name": "xyz"[i], "unit": "g", "scale": scale, "offset": 0.0} for i in axes]
        reader = self.registers.reader(_DATA, 6 * self.burst)   # runs round from 0x2D to 0x28
        self.raw, self.fetch = reader.raw, reader.fetch
        self.layout = [6, len(axes)]
        for i in axes:
            self.layout += [reader.lead + 2 * i, reader.lead + 2 * i + 1]
        self.clear = ((_CTRL_REG1, 0), (_FIFO_CTRL, 0))
        self.config = (
            (_CTRL_REG3, 0x04),                                     # watermark at INT1
            (_CTRL_REG4, 0x80 | reach << 4 | (0 if small else 0x08)),   # whole samples, 12 bits
            (_CTRL_REG5, 0x40),                                     # FIFO on
            (_FIFO_CTRL, 0x80 | self.burst - 1),                    # stream; "more than"
            (_CTRL_REG1, _ODR[rate] << 4 | (0x08 if small else 0) | 0x07))

    def level(self) -> int:
        """Samples in the FIFO; -1 when it is full: older ones are or will be overwritten."""
        source = self.registers.read(_FIFO_SRC)
        if source & 0x40:
            return -1
        return source & 0x1F


def make(settings: dict, clock, store, hardware):
    """Driver `lis3dh`."""
    return hardware.fifo(Lis3dh(settings, hardware), settings, clock)
