# SPDX-License-Identifier: Apache-2.0
"""MPU-6050 (I2C) and MPU-6500 (I2C, SPI): accelerometer up to 1000 Hz, gyroscope if wanted.

Settings: i2c or spi, address (0x68, or 0x69 with AD0 high), rate_hz, range_g, axes, gyro_dps (its
range; left out: no gyroscope). The FIFO holds 1024 bytes (MPU-6500: 512) and has no watermark
interrupt; its level is polled. The gyroscope stays on, as its PLL is the better clock (1 %).
Registers: RM-MPU-6000A-00 and RM-MPU-6500A-00.
"""

_ADDRESS = 0x68
_WHO_AM_I = 0x75
_MPU6500 = 0x70
_SMPLRT_DIV = 0x19
_CONFIG = 0x1A
_GYRO_CONFIG = 0x1B
_ACCEL_CONFIG = 0x1C
_ACCEL_CONFIG_2 = 0x1D
_FIFO_EN = 0x23
_USER_CTRL = 0x6A
_PWR_MGMT_1 = 0x6B
_FIFO_COUNT = 0x72
_FIFO_R_W = 0x74

_RATES = (10, 20, 25, 40, 50, 100, 125, 200, 250, 500, 1000)
_RANGES = (2, 4, 8, 16)
_GYRO_RANGES = (250, 500, 1000, 2000)
_BANDWIDTHS = (184, 94, 44, 21, 10, 5)      # Hz, of DLPF_CFG 1 .. 6
_START_MS = 30


class Mpu6050:
    """What `firmware.fifo` wants to know of the chip. Raises ValueError, OSError."""

    name = "mpu6050"
    identity = (_WHO_AM_I, (0x68, _MPU6500))
    burst = 16
    noisy = True

    def __init__(self, settings: dict, hardware):
        checked = hardware.checked(settings, ("rate_hz", "range_g", "axes", "gyro_dps"))
        rate = _RATES[checked.choose("rate_hz", _RATES, 1000)]
        reach = checked.choose("range_g", _RANGES, 16)
        axes = checked.axes()
        gyro = None
        if settings.get("gyro_dps") is not None:
            gyro = checked.choose("gyro_dps", _GYRO_RANGES, None)
        size = 6 if gyro is None else 12
        spi = settings.get("spi") is not None
        if not spi and hardware.i2c_freq(settings) < 14 * size * rate:
            raise ValueError("rate_hz %d is too fast for I2C; raise i2c.freq to %d or more"
                             % (rate, 14 * size * rate))
        self.registers = hardware.registers(settings, _ADDRESS, spi_freq=1_000_000)
        newer = self.registers.identify(self.name, *self.identity) == _MPU6500
        self.rate_mhz = rate * 1000
        self.depth = (512 if newer else 1024) // size
        self._full = self.depth * size
        self.settle = 1 + rate * _START_MS // (1000 * self.burst)
        reader = self.registers.reader(_FIFO_R_W, size * self.burst)
        self.raw, self.fetch = reader.raw, reader.fetch
        self.channels = []
        self.layout = [size, len(axes) + (size - 6) // 2]
        for i in axes:
            self._add("xyz"[i], "g", _RANGES[reach] / 32768, reader.lead + 2 * i)
        for i in range((size - 6) // 2):
            self._add("g" + "xyz"[i], "deg/s", _GYRO_RANGES[gyro] / 32768,
                      reader.lead + 6 + 2 * i)
        self._count = bytearray(2)
        self._size = size
        slow = 1
        while slow < 6 and _BANDWIDTHS[slow - 1] * 2 > rate:
            slow += 1
        on_spi = 0x10 if spi else 0             # I2C off, lest SPI traffic be taken for it
        self.clear = ((_PWR_MGMT_1, 0x01), (_FIFO_EN, 0), (_USER_CTRL, on_spi),
                      (_USER_CTRL, on_spi | 0x04))
        self.config = (
            (_PWR_MGMT_1, 0x01),                # awake, clock from the gyroscope's PLL
            (_SMPLRT_DIV, 1000 // rate - 1),
            (_CONFIG, slow),
            (_GYRO_CONFIG, (gyro or 0) << 3),
            (_ACCEL_CONFIG, reach << 3))
        if newer:
            self.config += ((_ACCEL_CONFIG_2, 0 if rate == 1000 else slow),)    # 0: 460 Hz
        self.config += ((_FIFO_EN, 0x08 if gyro is None else 0x78),
                        (_USER_CTRL, on_spi | 0x40))

    def _add(self, name: str, unit: str, scale: float, at: int) -> None:
        """A channel, high byte first at `at` of each sample."""
        self.channels.append({"name": name, "unit": unit, "scale": scale, "offset": 0.0})
        self.layout += [at + 1, at]

    def level(self) -> int:
        """Samples in the FIFO; -1 when it is full: then old bytes are overwritten, not samples."""
        count = self._count
        self.registers.read_into(_FIFO_COUNT, count)
        found = (count[0] & 0x1F) << 8 | count[1]
        if found >= self._full:
            return -1
        return found // self._size


def make(settings: dict, clock, store, hardware):
    """Driver `mpu6050`."""
    return hardware.fifo(Mpu6050(settings, hardware), settings, clock)
