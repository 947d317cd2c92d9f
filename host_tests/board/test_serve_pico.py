# SPDX-License-Identifier: Apache-2.0
"""A served Pico with a real image: no byte is lost, resets keep the line, the flash lasts."""

import hashlib
import random
import time

import pytest
import serial

from tools.emulator import m0plus, pico
from tools.emulator.serve_pico import ServeError, serve

IMAGE = pico.image_from_environment()
pytestmark = pytest.mark.skipif(IMAGE is None, reason=pico.MISSING)
PATIENCE_S = 120


class Prompt:
    """The prompt of a board; `ask` gives what a line prints."""

    def __init__(self, url):
        self.port = serial.serial_for_url(url, timeout=0.5)
        self.send(b"\r\x03\x03\x02")
        self.ask("print()")

    def send(self, data):
        self.port.write(data)

    def until(self, mark):
        got, end = b"", time.monotonic() + PATIENCE_S
        while mark not in got:
            assert time.monotonic() < end, got
            got += self.port.read(max(1, self.port.in_waiting))
        return got

    def ask(self, line):
        self.send(b"print('#'+'A');" + line.encode() + b";print('#'+'Z')\r")
        return self.until(b"#Z").split(b"#A")[-1].split(b"#Z")[0].decode().strip()


@pytest.fixture
def flash(tmp_path):
    return tmp_path / "flash.img"


@pytest.fixture
def board(flash):
    with serve("rpi_pico", IMAGE, flash) as served:
        yield served


def test_bytes_arrive_whole_in_both_directions(board):
    data = random.Random(5).randbytes(6_000).hex().encode()
    prompt = Prompt(board.url)
    prompt.send(b"import sys,hashlib;d=sys.stdin.read(12000)\r")
    prompt.until(b"12000)\r\n")
    prompt.send(data)
    digest = hashlib.sha256(data).hexdigest()
    assert prompt.ask("print(hashlib.sha256(d).digest().hex())") == digest
    assert prompt.ask("print(d[:8000])") == data[:8000].decode()


def test_resets_keep_the_line_and_the_files(board):
    prompt = Prompt(board.url)
    prompt.ask("f=open('a.txt','w');f.write('kept');f.close()")
    prompt.send(b"\x04")
    prompt.until(b"soft reboot")
    assert prompt.ask("print('f' in globals())") == "False"
    for way, cause in (("machine.reset()", 3), ("w=machine.WDT(timeout=200)", 3)):
        prompt.ask("import machine;x=1")
        prompt.send(way.encode() + b"\r")
        before = board.seconds
        while board.seconds < before + 0.6:
            time.sleep(0.05)
        assert prompt.ask("print('x' in globals())") == "False"
        assert prompt.ask("import machine;print(machine.reset_cause())") == str(cause)
        assert prompt.ask("print(open('a.txt').read())") == "kept"
    prompt.ask("x=1")
    before = board.seconds
    while board.seconds < before + 0.6:
        time.sleep(0.05)
    assert prompt.ask("print('x' in globals())") == "True"  # the watchdog ended with the reset


def test_power_may_go_at_any_time(board):
    prompt = Prompt(board.url)
    prompt.ask("import machine;x=1")
    board.power_cycle()
    assert prompt.ask("import machine;print('x' in globals(),machine.reset_cause())") == "False 1"
    prompt.ask("x=1")
    board.reset()
    assert prompt.ask("print('x' in globals())") == "False"


def test_the_flash_outlives_the_process(flash):
    with serve("rpi_pico", IMAGE, flash) as served:
        Prompt(served.url).ask("f=open('b.txt','w');f.write('still here');f.close()")
    with serve("rpi_pico", IMAGE, flash) as served:
        assert Prompt(served.url).ask("print(open('b.txt').read())") == "still here"


def test_one_client_at_a_time(board):
    first = Prompt(board.url)
    second = serial.serial_for_url(board.url, timeout=5)
    with pytest.raises(serial.SerialException):
        second.read(1)
    assert first.ask("print(1)") == "1"
    first.port.close()
    assert Prompt(board.url).ask("print(2)") == "2"


def test_chips_pins_and_what_was_said(board):
    prompt = Prompt(board.url)
    prompt.ask("from machine import Pin,I2C;i=I2C(0,sda=Pin(4),scl=Pin(5),freq=100000)")
    measure = "i.writeto(0x44,b'\\x24\\x00');import time;time.sleep_ms(20);d=i.readfrom(0x44,6)"
    for wanted in (4.0, 9.5):
        board.chip("sht31", temperature=wanted)
        prompt.ask(measure)
        raw = int(prompt.ask("print(d[0]<<8|d[1])"))
        assert raw * 175 / 65535 - 45 == pytest.approx(wanted, abs=0.01)
    assert prompt.ask("print(i.readfrom_mem(0x53,0,1)[0])") == str(0xE5)
    assert prompt.ask("print(i.readfrom_mem(0x18,15,1)[0])") == str(0x33)
    prompt.ask("p=Pin(14,Pin.OUT,value=1);q=Pin(13,Pin.IN)")
    assert board.pin(14)
    board.drive(13, True)
    assert prompt.ask("print(q())") == "1"
    said = board.said()
    assert [at for at, _, _ in said] == sorted(at for at, _, _ in said)
    assert b"".join(data for _, way, data in said if way == "in").endswith(b"print('#'+'Z')\r")
    with pytest.raises(ServeError, match="no bme680 is attached"):
        board.chip("bme680", temperature=1)


def test_it_waits_for_the_host_when_it_has_nothing_to_do(board):
    Prompt(board.url).ask("print()")
    before, began = board.seconds, time.monotonic()
    time.sleep(1)
    assert board.seconds - before <= time.monotonic() - began + 0.1
    board.pace(None)
    before = board.seconds
    time.sleep(1)
    assert board.seconds > before + 20


def test_the_processor_in_c_gives_the_same_times(monkeypatch):
    """Arithmetic of all kinds, floats and integers of any length, a timer's interrupts."""
    if m0plus.library() is None:
        pytest.skip("no C compiler")
    script = """
import machine, time, gc
ticks = []
timer = machine.Timer(freq=2000, callback=lambda t: ticks.append(time.ticks_us()))
x, big, y = 1, 3, 0.5
for i in range(1, 400):
    x = (x * 1103515245 + 12345 >> (i & 7)) % 0x3fffffff - (i << 3) // 7
    big = big * 0x123456789 % (1 << 90) if i & 3 else -(-big // 3)
    y = (y * 1.25 + i) % 17.0 - (i ^ x & 255) / 3
timer.deinit()
print(x, big, y, hash(bytes(range(200))), ticks, gc.mem_free(), time.ticks_us())
"""
    said = []
    for library in (m0plus.library(), None):
        monkeypatch.setattr(m0plus, "library", lambda found=library: found)
        board = pico.Pico(IMAGE, fast=True)
        said.append((board.run(script), board.seconds))
    assert said[0] == said[1]
    assert len(said[0][0]) > 200
