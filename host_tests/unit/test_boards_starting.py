# SPDX-License-Identifier: Apache-2.0
"""`tocsin deploy --template`: every template on every board samples its chip at once."""

import asyncio
import json
import os
import random
import sys

import pytest

from firmware import config as configuration
from firmware.app import App
from firmware.store import Store
from host_tests.unit.slow_rig import Rig
from tools.boards import config, files, starting
from tools.boards.errors import BoardError
from tools.emulator import standin_system
from tools.emulator.chips import adxl345, attach, bme280, lis3dh, lsm6dsox, mpu6050, sht
from tools.train import template as templates

BOARDS = config.names()


def wired(rig, board):
    """Chips on the buses and pins that the board file names."""
    noise = random.Random(1)

    def felt(index, t_s):
        return [noise.gauss(0, 0.01), noise.gauss(0, 0.01), 1 + noise.gauss(0, 0.01), 0, 0, 0]

    for chip, address in (
        (sht.Sht31(rig.now_us), 0x44), (bme280.Bme280(rig.now_us), 0x76),
        (adxl345.Adxl345(rig.now_us, felt), 0x53), (lis3dh.Lis3dh(rig.now_us, felt), 0x18),
        (mpu6050.Mpu6050(rig.now_us, felt), 0x68),
    ):  # fmt: skip
        attach(rig.board, chip, address)
    attach(rig.board, lsm6dsox.Lsm6dsox(rig.now_us, felt), select=board.data["spi"]["cs"])
    for pin in board.data["adc"]:
        rig.board.adc[pin] = lambda: 20000
    rig.board.set_pin(starting.free_pin(board), 1)


def running(monkeypatch, folder, board, text, seconds):
    """An App on a board with this configuration, after some time."""
    (folder / "config.json").write_bytes(text)
    (folder / "board.json").write_bytes(board.content())
    rig = Rig()
    wired(rig, board)
    rig.board.clock.advance_to(1_000_000)  # a board takes longer to boot than chips to wake up
    for name, module in standin_system.build_port(rig.board, folder).items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(sys.implementation, "_machine", board.machine, raising=False)
    app = App(rig.clock, Store(os, f"{folder}/"), rig.machine, echo=lambda line: None)

    async def for_a_while():
        rig.clock.spawn(app.run(None))
        await rig.clock.sleep_ms(seconds * 1000)
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    rig.asyncio.run(for_a_while())
    app.close()
    return app


@pytest.mark.parametrize("name", BOARDS)
@pytest.mark.parametrize("template", templates.NAMES)
def test_a_template_alone_runs_on_a_board(name, template, tmp_path, monkeypatch):
    board = config.load(name)
    text = starting.configuration(template, None, None, board)
    (tmp_path / "config.json").write_bytes(text)
    accepted, problems = configuration.load(Store(os, f"{tmp_path}/"))
    assert problems == [] and accepted["device"] == {"id": name, "site": "", "board": name}
    assert accepted["alarms"] and files.checked(text, "config.json", board) == text
    app = running(monkeypatch, tmp_path, board, text, 30)
    assert app.problems == []
    sampler, pipeline = app.samplers["main"], app.pipelines["main"]
    assert sampler.driver.dropped == 0 and sampler.losses()["failed"] == 0
    assert app.alarms.keys() == accepted["alarms"].keys()
    for alarm in app.alarms:
        rule = accepted["alarms"][alarm]
        value = pipeline.values.index(rule["source"].split(".")[1])
        assert pipeline.values.valid[value] and pipeline.values.raw[value] != 0


ELSEWHERE = {"ds18b20", "max31865", "sht4x"}  # they would answer in place of other chips here


@pytest.mark.parametrize("driver", sorted(set(starting._DRIVERS) - ELSEWHERE))
def test_each_sensor_it_offers_gets_settings_that_its_driver_takes(driver, tmp_path, monkeypatch):
    board = config.load("rpi_pico")
    text = starting.configuration("operations", driver, None, board)
    assert running(monkeypatch, tmp_path, board, text, 15).problems == []


def test_without_a_model_there_is_time_for_every_sample():
    """A board looks at each sample of each channel in Python, some 0.3 ms for three of them."""
    board = config.load("rpi_pico")
    for driver, wiring in starting._DRIVERS.items():
        settings = starting.sensor(driver, "vibration", False, board)
        channels = 3 if wiring.channel == "z" else 1
        assert settings.get("rate_hz", 1) * channels <= 1500, driver
        if wiring.rate_hz is not None:
            assert "rate_hz" not in starting.sensor(driver, "vibration", True, board)


@pytest.mark.parametrize("name", BOARDS)
def test_a_free_pin_is_free(name):
    data = config.load(name).data
    pin = starting.free_pin(config.load(name))
    assert pin in data["gpio"] and pin not in data["input_only"]
    assert starting.free_pin(config.load(name), pin) != pin
    assert pin not in [data[b][key] for b in ("i2c", "spi") for key in data[b] if key != "id"]


def test_what_to_do_next_names_pins_and_alarms():
    board = config.load("esp32_c3")
    steps = starting.next_steps(
        starting.configuration("vibration", None, None, board), "/dev/ttyACM0", board
    )
    assert steps[0] == "connect the adxl345: I2C pins SDA 5, SCL 6, 3.3 V, GND; " + (
        "a buzzer: pin 1, GND"
    )
    assert steps[1].startswith("look at it: tocsin console /dev/ttyACM0")
    assert "set alarms.z_high.limit VALUE" in steps[2] and "--model" in steps[3]
    cold = starting.next_steps(starting.configuration("cold_chain", None, None, board), "p", board)
    assert cold[2] == "fit the limits in the console: set alarms.safe_high.limit 8.0"
    judged = starting.configuration("vibration", "lsm6dsox", "pump.tcb", board)
    assert json.loads(judged)["pipelines"]["main"]["model"] == "pump.tcb"
    lines = starting.next_steps(judged, "p", board)
    assert "SPI pins SCK 4, MOSI 7, MISO 3, CS 10" in lines[0] and "learn 200" in lines[2]
    pressed = starting.configuration("quality", None, None, board)
    assert "analogue pin 0" in starting.next_steps(pressed, "p", board)[0]


@pytest.mark.parametrize(
    ("template", "driver", "message"),
    [
        ("cold_chain", "adxl345", "wants a thermometer"),
        ("cold_chain", "sht13", "none of adxl345"),
        ("heating", None, "cold_chain, operations, quality, vibration"),
        ("vibration", "adc_dma", "is for RP2040 and RP2350"),
    ],
)
def test_refusals(template, driver, message):
    with pytest.raises(BoardError, match=message) as caught:
        starting.configuration(template, driver, None, config.load("esp32"))
    assert "\n" not in str(caught.value)
