# SPDX-License-Identifier: Apache-2.0
"""Every example of a slow or analogue sensor in firmware/drivers/README.md works as it stands."""

import json
import re
import sys

import pytest

from firmware.buses import Hardware
from host_tests.unit.slow_rig import Rig
from tools.emulator import standin_onewire, standin_system
from tools.emulator.chips.bme280 import Bme280
from tools.emulator.chips.ds18b20 import Bus, Ds18b20
from tools.emulator.chips.max31865 import Max31865
from tools.emulator.chips.sht import Sht4x, Sht31
from tools.mpy import ROOT

PAGE = (ROOT / "firmware" / "drivers" / "README.md").read_text().partition("## Slow sensors")[2]
EXAMPLES = [json.loads(line) for line in re.findall(r"^\{.*\}$", PAGE, re.M)]


class Files:
    def read(self, name, limit):
        return (ROOT / "board_configs" / "rpi_pico.json").read_bytes()


def test_examples_are_found():
    drivers = {example["driver"] for example in EXAMPLES}
    assert {"ds18b20", "max31865", "sht31", "sht4x", "bme280", "contact", "counter", "adc",
            "several", "adc_dma"} == drivers


@pytest.mark.parametrize("example", EXAMPLES, ids=[example["driver"] for example in EXAMPLES])
def test_example_gives_a_sample(example, monkeypatch, tmp_path):
    rig = Rig()
    modules = {**standin_onewire.build(rig.board),
               **standin_system.build_port(rig.board, tmp_path)}
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(sys.implementation, "_machine", "Pico with RP2040", raising=False)
    driver = rig.hardware.driver
    rig.hardware = Hardware(rig.machine, Files())
    rig.hardware.driver = driver
    chip = Sht4x if example["driver"] == "sht4x" else Sht31
    rig.board.i2c.update({0x44: chip(rig.now_us), 0x45: Sht31(rig.now_us),
                          0x76: Bme280(rig.now_us)})
    rig.board.spi[17] = Max31865(rig.now_us)
    rig.board.onewire[15] = Bus(*[Ds18b20(rig.now_us, 0x1E64FF0000A0 + 77 * i)
                                  for i in range(2)])
    for pin in (26, 27):
        rig.board.adc[pin] = lambda: 32768
    rig.board.clock.advance_to(5000)
    settings = {key: value for key, value in example.items() if key != "driver"}
    made = rig.make(example["driver"], settings)
    width = len(made.channels)
    assert width and len(rig.raw(128)) >= width
    assert getattr(made, "errors", [None]).count(None) == len(getattr(made, "errors", [None]))
