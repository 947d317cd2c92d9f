# SPDX-License-Identifier: Apache-2.0
"""Accelerometer drivers on the emulated Pico: real MicroPython, SPI and I2C with their times."""

import json

import pytest

from host_tests.unit.drivers_rig import check_gapless, counts
from tools.emulator import pico
from tools.emulator.chips.adxl345 import Adxl345
from tools.emulator.chips.lis3dh import Lis3dh
from tools.emulator.chips.lsm6dsox import Lsm6dsox
from tools.emulator.pico_bus import now_us, wire
from tools.mpy import board_files

IMAGE = pico.image_from_environment()
I2C = {"i2c": {"id": 0, "sda": 4, "scl": 5}}
SPI = {"spi": {"id": 0, "sck": 18, "mosi": 19, "miso": 16, "cs": 17}}

# chip, settings, g per count, int16 steps per count, % of the processor (3 % above what it was)
CASES = {
    "adxl345": (Adxl345, {**SPI, "rate_hz": 3200, "interrupt": 15}, 0.0039, 1, 29),
    "lis3dh": (Lis3dh, {**I2C, "rate_hz": 1344, "interrupt": 15}, 0.004, 16, 33.5),
    "lsm6dsox": (Lsm6dsox, {**SPI, "rate_hz": 3333}, 0.000488, 1, 20),
}

SCRIPT = """
import sys
sys.path[:] = ["/", "/lib", ".frozen"]
import asyncio, json, machine, time
from array import array
from firmware.buses import Hardware
from firmware.clock import Clock
from firmware.drivers.NAME import make

turns = 0

async def idle():
    global turns
    while True:
        turns += 1
        await asyncio.sleep_ms(0)

async def rate(ms):
    before, start = turns, time.ticks_us()
    await asyncio.sleep_ms(ms)
    return (turns - before) * 1000000 // time.ticks_diff(time.ticks_us(), start)

async def main():
    asyncio.create_task(idle())
    free = await rate(50)
    clock = Clock(time, asyncio)
    driver = make(json.loads('SETTINGS'), clock, None, Hardware(machine))
    blocks = [array("h", [0] * 384) for _ in range(3)]
    for block in blocks:
        await driver.read(block)
    shown = [list(block) for block in blocks]
    async def sample():
        while True:
            await driver.read(blocks[0])
    asyncio.create_task(sample())
    busy = await rate(200)
    print(json.dumps([shown, driver.dropped, 1000 * (free - busy) // free]))

asyncio.run(main())
"""


@pytest.mark.skipif(IMAGE is None, reason=pico.MISSING)
@pytest.mark.parametrize("name", list(CASES))
def test_samples_are_exact_and_the_processor_stays_free(name):
    chip_class, settings, g_per_count, factor, budget = CASES[name]
    files = pico.tree(board_files("armv6m"), without=("/main.py", "/boot.py"))
    board = pico.Pico(IMAGE, files)
    chip = chip_class(now_us(board), lambda index, t_s: [c * g_per_count for c in counts(index)])
    on_spi = "spi" in settings
    wire(board, chip, None if on_spi else 0x18, 17 if on_spi else None,
         interrupt=settings.get("interrupt"))
    script = SCRIPT.replace("NAME", name).replace("SETTINGS", json.dumps(settings))
    blocks, dropped, share = json.loads(board.run(script))
    samples = [value for block in blocks for value in block]
    check_gapless([tuple(samples[i:i + 3]) for i in range(0, len(samples), 3)], factor)
    assert dropped == 0
    print(f"{name}: {share / 10} % of the processor at {settings['rate_hz']} Hz")
    assert share <= 10 * budget
