# SPDX-License-Identifier: Apache-2.0
"""A whole emulated board with register-level accelerometers on a motor, end to end."""

import json

from host_tests.unit.test_firmware_board import run
from tools.emulator.deploy import deploy

SPI = {"sck": 18, "mosi": 19, "miso": 16}
PLANT = {"kind": "motor", "seed": 3, "shifts": [[0, 86400]]}
CHIPS = [
    {"chip": "adxl345", "select": 17, "interrupt": 15, "plant": PLANT},
    {"chip": "lis3dh", "address": 0x18, "plant": PLANT,
     "faults": [[6, "brown_out"], [12, "absent", 15.5]]}]


def config():
    return {
        "version": 1, "device": {"id": "motor"},
        "pipelines": {
            "fast": {"sensor": {"driver": "adxl345", "spi": {"cs": 17}, "interrupt": 15}},
            "slow": {"sensor": {"driver": "lis3dh", "rate_hz": 100, "range_g": 4}},
            "gone": {"sensor": {"driver": "mpu6050"}},
            "typo": {"sensor": {"driver": "lis3dh", "rate": 100}}},
        "alarms": {"tilt": {"source": "slow.z", "side": "low", "limit": 0.5, "delay_s": 1}},
        "outputs": {}}


def test_board_samples_its_chips_and_says_what_is_wrong(tmp_path):
    root = deploy(tmp_path / "board", config())
    board = {"i2c": {"id": 0, "sda": 4, "scl": 5}, "spi": {"id": 0, "cs": 9, **SPI}}
    (root / "board.json").write_text(json.dumps(board))
    events = run(root, plant=None, chips=CHIPS, end_s=21, watch_s=20)
    status = [event["status"] for event in events if event["kind"] == "status"][-1]
    problems = "\n".join(status["problems"])
    assert "pipeline gone" in problems and "no answer at I2C address 0x68" in problems
    assert "pipeline typo" in problems and "unknown setting rate" in problems
    assert len(status["problems"]) == 2
    fast, slow = status["pipelines"]["fast"], status["pipelines"]["slow"]
    assert fast["failed"] == fast["dropped"] == slow["dropped"] == 0
    assert abs(fast["bytes"]["raw"] - 20 * 3200 * 6) < 2 * 128 * 6
    assert slow["failed"] == 1 + 4              # the glitch, and a try each second
    assert 0.7 < slow["values"]["z"] < 1.3
