# SPDX-License-Identifier: Apache-2.0
"""Watchdog, boot guard and safe mode under real MicroPython on an emulated Pico."""

import binascii
import json

import pytest

from tools.emulator import pico
from tools.mpy import board_files

IMAGE = pico.image_from_environment()
pytestmark = pytest.mark.skipif(IMAGE is None, reason=pico.MISSING)
STUCK_S = 3
WATCHDOG_S = 8
LED, RELAY = 25, 14

DRIVER = """
import time
from firmware import slots


class Sensor:
    channels = [{"name": "temperature", "unit": "degC", "scale": 0.01, "offset": 0.0}]
    rate_mhz = 5000
    parts = False
    dropped = 0

    def __init__(self, clock):
        self._clock = clock

    async def read(self, block):
        await self._clock.sleep_ms(200)
        while not slots.safe() and time.ticks_ms() > %d:
            pass
        block[0] = 400
        return 1


def make(settings, clock, store, hardware):
    return Sensor(clock)
"""
CONFIG = {
    "version": 1, "device": {"id": "stuck"},
    "pipelines": {"room": {"sensor": {"driver": "stuck"}}},
    "alarms": {"warm": {"source": "room.temperature", "side": "high", "limit": 8.0}},
    "outputs": {"stop": {"driver": "relay", "pin": RELAY, "alarms": ["warm"]}}}


def boot_record(**record) -> bytes:
    body = json.dumps(record).encode()
    return b"%08x " % binascii.crc32(body) + body


def read_record(board) -> dict:
    return json.loads(board.read_file("/boot.rec")[9:])


def starts(board) -> list[dict]:
    lines = board.read_file("/records.jsonl").decode().splitlines()
    return [record for record in map(json.loads, lines) if record["kind"] == "start"]


def level(board, pin: int) -> int:
    return int(board.device.mcu.gpio[pin].value)


@pytest.fixture(scope="module")
def board():
    """A Pico that has crashed four times early, and whose driver then loops for ever."""
    files = pico.tree(board_files("armv6m"))
    files["/config.json"] = json.dumps(CONFIG).encode()
    files["/firmware/drivers/stuck.py"] = (DRIVER % (1000 * STUCK_S)).encode()
    files["/boot.rec"] = boot_record(boots=8, crashes=4, early=4, young=True)
    device = pico.Pico(IMAGE, files)
    end = STUCK_S + WATCHDOG_S + 8
    while device.seconds < end:   # each boot stops it when USB comes up
        device.wait(end - device.seconds)
    return device


def test_watchdog_resets_a_stuck_board_and_the_boot_guard_leads_to_safe_mode(board):
    first, second = starts(board)
    print(first, second)
    assert (first["boot"], first["reset_cause"], first["safe"]) == (9, "PWRON", False)
    assert (second["boot"], second["reset_cause"], second["safe"]) == (10, "WDT", True)
    assert second["crashes"] == 5
    assert any("safe mode" in problem for problem in second["problems"])


def test_safe_mode_watches_and_energises_the_relay(board):
    assert level(board, RELAY) == 1
    levels = set()
    for _ in range(10):
        board.wait(0.1)
        levels.add(level(board, LED))
    assert levels == {0, 1}   # the heartbeat


def test_ctrl_c_holds_the_watchdog_and_a_wanted_reset_is_no_crash(board):
    held = board.run("import time\ntime.sleep(12)\nfrom firmware import watchdog\n"
                     "print(watchdog._held['left'], watchdog._held['timer'] is not None)")
    left, timer = held.split()
    assert timer == "True" and 880 <= int(left) <= 889   # one a second, from 900 on
    assert read_record(board)["wanted"] == "person"
    assert level(board, RELAY) == 0
