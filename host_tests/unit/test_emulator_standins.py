# SPDX-License-Identifier: Apache-2.0
"""Stand-ins have what the real modules have, and nothing more."""

import errno

import numpy as np
import pytest

from tools.emulator import standin_system, standin_ulab
from tools.emulator.hardware import Hardware
from tools.emulator.serial import Serial
from tools.emulator.standin_machine import build as build_machine
from tools.emulator.standin_time import build_asyncio, build_time
from tools.emulator.virtual import VirtualClock

unp = standin_ulab.build()["ulab.numpy"]


def hardware(**settings):
    return Hardware(VirtualClock(), **settings)


def test_ulab_fft_returns_a_pair_and_matches_numpy_in_single_precision():
    signal = np.random.default_rng(1).normal(0, 1000, 256)
    re, im = unp.fft.fft(unp.array(list(signal)))
    exact = np.fft.fft(signal)
    got = np.array(re.tolist()) + 1j * np.array(im.tolist())
    assert np.abs(got - exact).max() < 1e-5 * np.abs(exact).max()
    assert np.array(re.tolist(), dtype=np.float32).dtype == np.float32


def test_ulab_fft_refuses_lengths_that_are_no_power_of_two():
    with pytest.raises(ValueError):
        unp.fft.fft(unp.zeros(100))


@pytest.mark.parametrize("name", ["einsum", "percentile", "int32", "float64", "unique", "abs"])
def test_ulab_lacks_what_the_real_one_lacks(name):
    with pytest.raises(AttributeError):
        getattr(unp, name)


@pytest.mark.parametrize("name", ["astype", "cumsum", "dot", "fill", "sum"])
def test_ulab_arrays_lack_numpy_methods(name):
    with pytest.raises(AttributeError):
        getattr(unp.zeros(4), name)


def test_ulab_integers_wrap_and_upcast_as_documented():
    small = unp.array([30000, -30000], dtype=unp.int16)
    assert (small + small).tolist() == [-5536, 5536]
    assert (unp.array([200], dtype=unp.uint8) + unp.array([-1], dtype=unp.int8)).dtype == ord("h")
    assert (small * 0.5).dtype == ord("f")
    mixed = unp.array([40000], dtype=unp.uint16) + unp.array([1], dtype=unp.int16)
    assert mixed.tolist() == [40001.0]


def test_ulab_frombuffer_shares_memory():
    data = bytearray(8)
    view = unp.frombuffer(data, dtype=unp.int16)
    view[1] = 258
    assert data == b"\0\0\2\1\0\0\0\0"


def test_micropython_has_no_native_code():
    module = standin_system.build_micropython(hardware(), Serial(hardware(), None))
    for name in ("viper", "native", "asm_thumb"):
        with pytest.raises(SyntaxError):
            getattr(module, name)
    with pytest.raises(AttributeError):
        module.nothing  # noqa: B018
    assert module.const(5) == 5


def test_time_and_asyncio_have_micropythons_names_only():
    hw = hardware()
    time, aio = build_time(hw), build_asyncio(hw)
    for name in ("monotonic", "perf_counter", "strftime", "struct_time"):
        assert not hasattr(time, name)
    for name in ("Queue", "to_thread", "TaskGroup", "Semaphore", "timeout"):
        assert not hasattr(aio, name)


def test_pins_are_observable_and_interrupt():
    seen, edges = [], []
    hw = hardware(observe=lambda kind, fields: seen.append((kind, fields["pin"], fields["level"])))
    machine = build_machine(hw)
    relay = machine.Pin(15, machine.Pin.OUT, value=0)
    relay.on()
    relay.on()
    relay(0)
    assert seen == [("pin", 15, 0), ("pin", 15, 1), ("pin", 15, 0)]
    button = machine.Pin(3, machine.Pin.IN, machine.Pin.PULL_UP)
    button.irq(lambda pin: edges.append(pin.value()), machine.Pin.IRQ_FALLING)
    assert button.value() == 1
    hw.set_pin(3, 0)
    hw.set_pin(3, 1)
    assert edges == [0]


def test_i2c_reads_registers_and_reports_an_absent_chip():
    class Chip:
        def __init__(self):
            self.registers = bytearray(range(16))
            self.pointer = 0

        def write(self, data):
            self.pointer = data[0]
            self.registers[data[0]:data[0] + len(data) - 1] = data[1:]

        def read(self, count):
            return bytes(self.registers[self.pointer:self.pointer + count])

    hw = hardware()
    hw.i2c[0x53] = Chip()
    bus = build_machine(hw).I2C(0)
    assert bus.scan() == [0x53]
    assert bus.readfrom_mem(0x53, 4, 3) == b"\4\5\6"
    bus.writeto_mem(0x53, 4, b"\x99")
    buffer = bytearray(2)
    bus.readfrom_mem_into(0x53, 4, buffer)
    assert buffer == b"\x99\x05"
    with pytest.raises(OSError) as error:
        bus.readfrom(0x18, 1)
    assert error.value.errno == errno.EIO


def test_rtc_memory_only_where_the_port_has_it():
    assert not hasattr(build_machine(hardware()).RTC(), "memory")
    rtc = build_machine(hardware(platform="esp32")).RTC()
    rtc.memory(b"kept")
    assert rtc.memory() == b"kept"


def test_paths_never_leave_the_board(tmp_path):
    os = standin_system.build_os(tmp_path)
    (tmp_path / "a.txt").write_text("x")
    assert os.listdir("/") == ["a.txt"]
    assert os.stat("/../../a.txt")[6] == 1
    os.mkdir("/d")
    os.rename("/a.txt", "/d/b.txt")
    assert os.listdir("d") == ["b.txt"]
    with pytest.raises(OSError):
        os.stat("/a.txt")
    assert not hasattr(os, "path")
    assert not hasattr(os, "environ")
