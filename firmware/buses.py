# SPDX-License-Identifier: Apache-2.0
"""What drivers get of the board: shared buses, pins, analogue inputs, interrupts, timers.

A sensor's settings name its bus, `"i2c": {"id", "sda", "scl", "freq"}` or `"spi": {"id", "sck",
"mosi", "miso", "cs", "freq"}`. What they leave out comes from /board.json, a copy of the board's
file in board_configs/, if there is one.
"""

import json

_I2C_HZ = 400_000


class BusError(ValueError):
    """A bus or pin that cannot be had; the message says what to set."""


class _Shared:
    """A bus, the clock of its slowest chip; on SPI whether a chip is selected, and who waits."""

    def __init__(self, bus, freq: int):
        self.bus = bus
        self.freq = freq
        self.selected = False
        self.waiting = []


class Hardware:
    """Everything of `machine` that a driver may want; nothing is touched before it is asked for.

    store: a `Store` that may have board.json.
    """

    def __init__(self, machine, store=None):
        self._machine = machine
        self._store = store
        self._board = None
        self._buses = {}
        self._timers = 0

    def i2c(self, settings: dict):
        """The `machine.I2C` of a sensor's settings, shared by its users. Raises BusError."""
        return self._i2c(settings).bus

    def i2c_freq(self, settings: dict) -> int:
        """The clock of that bus in Hz: the slowest that its sensors ask for."""
        return self._i2c(settings).freq

    def _i2c(self, settings: dict):
        wanted = self._wanted(settings, "i2c", ("sda", "scl"))
        shared = self._known("i2c", wanted, ("sda", "scl"))
        freq = wanted.get("freq") or _I2C_HZ
        if shared is None or freq < shared.freq:
            pin = self._machine.Pin
            bus = self._machine.I2C(wanted["id"], sda=pin(wanted["sda"]), scl=pin(wanted["scl"]),
                                    freq=freq)
            if shared is None:
                return self._keep("i2c", wanted, _Shared(bus, freq))
            shared.freq = freq   # the same object, made again for the slower clock
        return shared

    def spi(self, settings: dict, freq: int = 1_000_000):
        """The sensor's `SpiChip` on its SPI bus. Raises BusError.

        freq: the fastest clock of the chip. The bus runs as fast as the slowest of its chips, in
        mode 3, which all chips of Tocsin's drivers know.
        """
        from firmware.registers import SpiChip

        pins = ("sck", "mosi", "miso")
        wanted = self._wanted(settings, "spi", pins + ("cs",))
        freq = min(freq, wanted.get("freq") or freq)
        pin = self._machine.Pin
        select = pin(wanted["cs"], pin.OUT, value=1)
        shared = self._known("spi", wanted, pins)
        if shared is None:
            bus = self._machine.SPI(
                wanted["id"], baudrate=freq, polarity=1, phase=1, sck=pin(wanted["sck"]),
                mosi=pin(wanted["mosi"]), miso=pin(wanted["miso"]))
            shared = self._keep("spi", wanted, _Shared(bus, freq))
        elif freq < shared.freq:
            shared.bus.init(baudrate=freq)
            shared.freq = freq
        return SpiChip(shared, select)

    def registers(self, settings: dict, address: int, i2c_multi: int = 0, spi_multi: int = 0,
                  spi_freq: int = 1_000_000):
        """Registers of a chip: on SPI when the settings have "spi", else on I2C.

        address: on I2C, unless settings["address"] says another. *_multi: what the register
        address needs for several bytes. Raises BusError.
        """
        from firmware.registers import I2CRegisters, SpiRegisters

        if settings.get("spi") is not None:
            return SpiRegisters(self.spi(settings, spi_freq), spi_multi)
        address = settings.get("address", address)
        if not isinstance(address, int) or not 8 <= address <= 119:
            raise BusError("address must be 8 to 119, not %r" % (address,))
        return I2CRegisters(self.i2c(settings), address, i2c_multi)

    def pin(self, number, pull=None):
        """An input pin; pull: "up", "down" or None."""
        pin = self._machine.Pin
        if pull is None:
            return pin(number, pin.IN)
        return pin(number, pin.IN, pin.PULL_UP if pull == "up" else pin.PULL_DOWN)

    def output(self, number, level: int = 0):
        """An output pin, callable with a level; it starts at `level`."""
        pin = self._machine.Pin
        return pin(number, pin.OUT, value=level)

    def adc(self, number):
        """The analogue input of a pin, with read_u16()."""
        return self._machine.ADC(self._machine.Pin(number))

    def edge(self, number, callback, rising: bool = True):
        """The input pin `number`; callback(pin) runs soon after each such edge of it.

        Like a timer's it runs between two bytecodes of whatever is running, and may allocate.
        """
        pin = self.pin(number)
        pin.irq(callback, pin.IRQ_RISING if rising else pin.IRQ_FALLING)
        return pin

    def every(self, period_ms: int, callback):
        """A timer that runs callback(timer) every `period_ms`; deinit() ends it."""
        timer = self._machine.Timer
        try:
            made = timer(self._timers)   # ESP32: 0 .. 3
            self._timers += 1
        except ValueError:
            made = timer(-1)             # RP2: any number of them
        made.init(mode=timer.PERIODIC, period=period_ms, callback=callback)
        return made

    def checked(self, settings: dict, known: tuple):
        """The sensor's settings with methods to check them; see settings.py."""
        from firmware.settings import Settings

        return Settings(settings, known)

    def fifo(self, chip, settings: dict, clock):
        """The driver of a chip with a FIFO; see fifo.py. settings["interrupt"]: pin or None."""
        from firmware.fifo import Fifo

        return Fifo(chip, clock, self, settings.get("interrupt"))

    def _wanted(self, settings: dict, kind: str, pins: tuple) -> dict:
        """Bus settings, completed from the board's. Raises BusError."""
        given = settings.get(kind) or {}
        if not isinstance(given, dict):
            raise BusError("%s must be an object like {\"id\": 0}" % kind)
        wanted = {}
        default = self._defaults().get(kind) or {}
        if given.get("id", default.get("id")) == default.get("id"):
            wanted.update(default)
        wanted.update(given)
        for key in ("id",) + pins:
            if key not in wanted:
                raise BusError("%s.%s is not set; set it in the sensor, or deploy board.json"
                               % (kind, key))
        return wanted

    def _defaults(self) -> dict:
        if self._board is None:
            self._board = {}
            text = None if self._store is None else self._store.read("board.json", 4096)
            try:
                board = json.loads(text or "{}")
                self._board = {"i2c": board.get("i2c"), "spi": board.get("spi")}
            except (ValueError, AttributeError):
                pass
        return self._board

    def _known(self, kind: str, wanted: dict, pins: tuple):
        """The bus of that id, or None when it is not made yet. Raises BusError."""
        known = self._buses.get((kind, wanted["id"]))
        if known is None:
            return None
        for pin in pins:
            if known[0][pin] != wanted[pin]:
                raise BusError("%s %s has its %s on pin %s already, not %s; use another id" % (
                    kind, wanted["id"], pin, known[0][pin], wanted[pin]))
        return known[1]

    def _keep(self, kind: str, wanted: dict, shared):
        self._buses[(kind, wanted["id"])] = (wanted, shared)
        return shared
