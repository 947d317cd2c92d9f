# SPDX-License-Identifier: Apache-2.0
"""The `machine` module of an emulated board: the part of the real one that Tocsin uses."""

import errno
from types import ModuleType
from typing import Any

from tools.emulator.hardware import PWRON_RESET, SOFT_RESET, WDT_RESET, Hardware, Interrupt


def build(hw: Hardware) -> ModuleType:
    """Return a fresh `machine` module bound to `hw`."""

    class Pin:
        IN, OUT, OPEN_DRAIN = 0, 1, 2
        PULL_UP, PULL_DOWN = 1, 2
        IRQ_FALLING, IRQ_RISING = 4, 8

        def __init__(self, id: Any, mode: int = -1, pull: int = -1, *, value: Any = None):
            self._number = hash(id) & 0xFFFF if isinstance(id, str) else int(id)
            self._mode = mode
            if value is not None:
                self.value(value)
            elif mode == Pin.IN and pull == Pin.PULL_UP:
                hw.pins.setdefault(self._number, 1)

        def value(self, level: Any = None) -> int | None:
            if level is None:
                return hw.pins.get(self._number, 0)
            hw.set_pin(self._number, 1 if level else 0)
            return None

        __call__ = value

        def on(self) -> None:
            self.value(1)

        def off(self) -> None:
            self.value(0)

        def toggle(self) -> None:
            self.value(1 - hw.pins.get(self._number, 0))

        def irq(self, handler: Any = None, trigger: int = 12, hard: bool = False) -> None:
            def changed(level: int) -> None:
                if trigger & (Pin.IRQ_RISING if level else Pin.IRQ_FALLING):
                    handler(self)
            if handler is None:
                hw.pin_handlers.pop(self._number, None)
            else:
                hw.pin_handlers[self._number] = changed

    class ADC:
        def __init__(self, pin: Any):
            self._number = getattr(pin, "_number", pin)

        def read_u16(self) -> int:
            source = hw.adc.get(self._number)
            return 0 if source is None else source()

    class I2C:
        def __init__(self, id: int = 0, *, scl: Any = None, sda: Any = None,
                     freq: int = 400_000, timeout: int = 50_000):
            self._freq = freq

        def _chip(self, address: int) -> Any:
            if address not in hw.i2c:
                raise OSError(errno.EIO, "EIO")
            return hw.i2c[address]

        def scan(self) -> list[int]:
            return sorted(hw.i2c)

        def writeto(self, addr: int, buf: bytes, stop: bool = True) -> int:
            self._chip(addr).write(bytes(buf))
            return len(buf)

        def readfrom(self, addr: int, nbytes: int, stop: bool = True) -> bytes:
            return self._chip(addr).read(nbytes)

        def readfrom_into(self, addr: int, buf: Any, stop: bool = True) -> None:
            target = memoryview(buf).cast("B")
            target[:] = self._chip(addr).read(len(target))

        def writeto_mem(self, addr: int, memaddr: int, buf: bytes, *, addrsize: int = 8) -> None:
            self._chip(addr).write(memaddr.to_bytes(addrsize // 8, "big") + bytes(buf))

        def readfrom_mem(self, addr: int, memaddr: int, nbytes: int, *,
                         addrsize: int = 8) -> bytes:
            chip = self._chip(addr)
            chip.write(memaddr.to_bytes(addrsize // 8, "big"))
            return chip.read(nbytes)

        def readfrom_mem_into(self, addr: int, memaddr: int, buf: Any, *,
                              addrsize: int = 8) -> None:
            target = memoryview(buf).cast("B")
            target[:] = self.readfrom_mem(addr, memaddr, len(target), addrsize=addrsize)

    class SPI:
        MSB, LSB = 0, 1

        def __init__(self, id: int = 0, baudrate: int = 1_000_000, *, polarity: int = 0,
                     phase: int = 0, bits: int = 8, firstbit: int = 0, sck: Any = None,
                     mosi: Any = None, miso: Any = None):
            self._mode = 2 * polarity + phase

        def init(self, **settings: Any) -> None:
            pass

        def _chip(self) -> Any:
            """The chip whose select pin is low; None (the line reads 1s) when there is none."""
            for number, chip in hw.spi.items():
                if hw.pins.get(number, 1) == 0:
                    return chip
            return None

        def write(self, buf: Any) -> None:
            self.write_readinto(buf, bytearray(len(bytes(buf))))

        def readinto(self, buf: Any, write: int = 0) -> None:
            self.write_readinto(bytes([write]) * len(memoryview(buf).cast("B")), buf)

        def read(self, nbytes: int, write: int = 0) -> bytes:
            buf = bytearray(nbytes)
            self.readinto(buf, write)
            return bytes(buf)

        def write_readinto(self, write_buf: Any, read_buf: Any) -> None:
            chip = self._chip()
            target = memoryview(read_buf).cast("B")
            if chip is None:
                target[:] = b"\xff" * len(target)
            else:
                target[:] = chip.transfer(bytes(write_buf))

    class RTC:
        def datetime(self, when: Any = None) -> Any:
            import calendar
            import time
            if when is not None:
                year, month, day, _, hour, minute, second, _ = when
                hw.utc = calendar.timegm((year, month, day, hour, minute, second)) \
                    - hw.clock.now_us // 1_000_000
                return None
            t = time.gmtime(hw.epoch_us() // 1_000_000)
            return (t.tm_year, t.tm_mon, t.tm_mday, t.tm_wday, t.tm_hour, t.tm_min, t.tm_sec, 0)

        if hw.platform == "esp32":
            def memory(self, data: bytes | None = None) -> bytes | None:
                if data is None:
                    return hw.rtc_memory
                hw.rtc_memory = bytes(data)
                return None

    class WDT:
        def __init__(self, id: int = 0, timeout: int = 5000):
            if hw.platform == "rp2" and timeout > 8388:
                raise ValueError("timeout exceeds 8388")
            self._timeout = timeout
            hw.start_watchdog(timeout)

        def feed(self) -> None:
            hw.start_watchdog(self._timeout)

    class Timer:
        ONE_SHOT, PERIODIC = 0, 1

        def __init__(self, id: int = -1, **settings: Any):
            self._interrupt: Interrupt | None = None
            if settings:
                self.init(**settings)

        def init(self, *, mode: int = 1, freq: float = -1, period: int = -1,
                 callback: Any = None, hard: bool = False) -> None:
            self.deinit()
            hw.timers.append(self)
            step_us = round(1e6 / freq) if freq > 0 else period * 1000

            def fire() -> None:
                if mode == Timer.PERIODIC:
                    self._interrupt = hw.clock.call_at(hw.clock.now_us + step_us, fire)
                try:
                    callback(self)
                except Exception as error:  # MicroPython prints it and goes on
                    hw.observe("console", text=f"uncaught exception in callback: {error!r}")

            self._interrupt = hw.clock.call_at(hw.clock.now_us + step_us, fire)

        def deinit(self) -> None:
            if self._interrupt is not None:
                self._interrupt.cancel()
                self._interrupt = None
            if self in hw.timers:
                hw.timers.remove(self)

    def freq(hz: int | None = None) -> int | None:
        if hz is None:
            return hw.frequency
        hw.frequency = hz
        return None

    def wait(ms: int = 0) -> None:
        hw.sleep_us(ms * 1000)

    module = ModuleType("machine")
    module.__dict__.update(
        Pin=Pin, ADC=ADC, I2C=I2C, SPI=SPI, RTC=RTC, WDT=WDT, Timer=Timer, freq=freq,
        PWRON_RESET=PWRON_RESET, WDT_RESET=WDT_RESET, SOFT_RESET=SOFT_RESET,
        reset_cause=lambda: hw.reset_cause, unique_id=lambda: hw.name.encode()[:8].ljust(8, b"\0"),
        reset=lambda: hw.reset(WDT_RESET), soft_reset=lambda: hw.reset(SOFT_RESET),
        idle=lambda: None, lightsleep=wait, deepsleep=wait,
        disable_irq=lambda: 0, enable_irq=lambda state: None, mem32=hw.rp2_adc)
    return module
