# SPDX-License-Identifier: Apache-2.0
"""LSM6DSOX, accelerometer up to 6667 Hz with a FIFO of 512 tagged words (77 ms at that rate).

Settings: i2c or spi, address (0x6A, or 0x6B with SA0 high), rate_hz, range_g, axes, interrupt (the
pin at INT1). The chip tells how fast its own clock is (0.15 % steps). Registers: LSM6DSOX data
sheet, section 9; FIFO: AN5272, section 9.
"""

_ADDRESS = 0x6A
_ID = (0x0F, (0x6C,))
_FIFO_CTRL1 = 0x07
_FIFO_CTRL2 = 0x08
_FIFO_CTRL3 = 0x09
_FIFO_CTRL4 = 0x0A
_INT1_CTRL = 0x0D
_CTRL1_XL = 0x10
_CTRL3_C = 0x12
_FIFO_STATUS1 = 0x3A
_INTERNAL_FREQ_FINE = 0x63
_FIFO_DATA_OUT_TAG = 0x78

_RATES = (12.5, 26, 52, 104, 208, 417, 833, 1667, 3333, 6667)   # ODR_XL 1, 2 ..
_RANGES = (2, 4, 8, 16)
_FS_XL = (0, 2, 3, 1)
_WORD = 7
_ACCELEROMETER = 0x02   # its tag
_I2C_SHARE = 90         # bits of bus clock per sample: 63, and time between the bursts


class Lsm6dsox:
    """What `firmware.fifo` wants to know of the chip. Raises ValueError, OSError."""

    name = "lsm6dsox"
    identity = _ID
    depth = 512
    settle = 1
    noisy = True

    def __init__(self, settings: dict, hardware):
        checked = hardware.checked(settings, ("rate_hz", "range_g", "axes", "interrupt"))
        rate = checked.choose("rate_hz", _RATES, 3333)
        reach = checked.choose("range_g", _RANGES, 16)
        axes = checked.axes()
        if settings.get("spi") is None:
            fastest = hardware.i2c_freq(settings) // _I2C_SHARE
            if _RATES[rate] > fastest:
                raise ValueError("rate_hz %g is too fast for I2C; use %d or less, SPI, or i2c.freq"
                                 " 1000000" % (_RATES[rate], fastest))
        self.registers = hardware.registers(settings, _ADDRESS, spi_freq=10_000_000)
        self.registers.identify(self.name, *_ID)
        self.rate_mhz = int(_RATES[rate] * 1000)
        fine = self.registers.read(_INTERNAL_FREQ_FINE)
        fine -= 256 if fine > 127 else 0
        self.trimmed_mhz = self.rate_mhz + self.rate_mhz // 10_000 * 15 * fine
        self.burst = 32 if _RATES[rate] > 1000 else 16
        scale = 0.000061 * (1, 2, 4, 8)[reach]
        self.channels = [
            {"name": "xyz"[i], "unit": "g", "scale": scale, "offset": 0.0} for i in axes]
        self._reader = self.registers.reader(_FIFO_DATA_OUT_TAG, _WORD * self.burst)
        self.raw = self._reader.raw
        self._first = self._reader.lead
        self.layout = [_WORD, len(axes)]
        for i in axes:
            self.layout += [self._first + 1 + 2 * i, self._first + 2 + 2 * i]
        self._status = bytearray(2)
        self.clear = ((_CTRL1_XL, 0), (_FIFO_CTRL4, 0))
        self.config = (
            (_CTRL3_C, 0x44),                           # whole samples, address runs on
            (_FIFO_CTRL1, self.burst),                  # watermark
            (_FIFO_CTRL2, 0),
            (_FIFO_CTRL3, rate + 1),                    # accelerometer only
            (_INT1_CTRL, 0x08),                         # watermark at INT1
            (_FIFO_CTRL4, 0x06),                        # newest samples stay
            (_CTRL1_XL, rate + 1 << 4 | _FS_XL[reach] << 2))

    def level(self) -> int:
        """Samples in the FIFO; -1 when older ones were overwritten."""
        status = self._status
        self.registers.read_into(_FIFO_STATUS1, status)
        if status[1] & 0x48:
            return -1
        return (status[1] & 0x03) << 8 | status[0]

    def fetch(self) -> None:
        """The next burst of words to `raw`; the address runs round from 0x7E to 0x78."""
        raw = self.raw
        self._reader.fetch()
        if raw[self._first] >> 3 != _ACCELEROMETER or raw[-_WORD] >> 3 != _ACCELEROMETER:
            raise OSError("lsm6dsox: words in the FIFO that are no samples; it starts again")


def make(settings: dict, clock, store, hardware):
    """Driver `lsm6dsox`."""
    return hardware.fifo(Lsm6dsox(settings, hardware), settings, clock)
