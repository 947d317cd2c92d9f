# SPDX-License-Identifier: Apache-2.0
"""Every board file has the documented keys, with values that can be true together."""

import json
from pathlib import Path

import pytest

from tocsin.config.schema import is_id

FOLDER = Path(__file__).parents[2] / "board_configs"
FILES = sorted(FOLDER.glob("*.json"))
KEYS = {
    "board": str, "name": str, "port": str, "micropython_board": str, "micropython_min": str,
    "mcu": str, "arch": str, "clock_mhz": int, "fpu": bool,
    "backend": (str, type(None)), "memory": dict, "wifi": bool,
    "watchdog_max_ms": (int, type(None)), "flash": dict, "led": (int, str, type(None)),
    "i2c": dict, "spi": dict, "adc": list, "gpio": list, "input_only": list, "sources": list}
ARCHES = {"rp2": ("armv6m", "armv7emsp", "rv32imc"), "esp32": ("xtensawin", "rv32imc")}
FIRST_NATIVE = {"armv6m": (1, 24), "armv7emsp": (1, 23), "xtensawin": (1, 23),
                "rv32imc": (1, 24)}


@pytest.fixture(params=FILES, ids=[path.stem for path in FILES])
def board(request):
    data = json.loads(request.param.read_text())
    assert data["board"] == request.param.stem and is_id(data["board"])
    return data


def test_there_are_boards():
    assert {"rpi_pico", "rpi_pico_w", "esp32_devkitc"} <= {path.stem for path in FILES}


def test_keys_and_types(board):
    assert set(board) == set(KEYS)
    for key, kind in KEYS.items():
        assert isinstance(board[key], kind), key
        assert isinstance(board[key], bool) == (kind is bool), key
    assert board["sources"]


def test_port_architecture_and_firmware(board):
    assert board["arch"] in ARCHES[board["port"]]
    version = tuple(int(part) for part in board["micropython_min"].split("."))
    assert version >= FIRST_NATIVE[board["arch"]]
    assert board["arch"] != "armv6m" or not board["fpu"]
    assert board["backend"] in (None, "native") or (board["backend"] == "ulab" and board["fpu"])


def test_memory(board):
    memory = board["memory"]
    assert set(memory) == {"ram_kb", "free_heap_kb", "flash_kb", "filesystem_kb"}
    assert memory["filesystem_kb"] < memory["flash_kb"]
    assert memory["free_heap_kb"] is None or memory["free_heap_kb"] < memory["ram_kb"]
    assert board["watchdog_max_ms"] is None or board["watchdog_max_ms"] >= 8000


def test_flash_method(board):
    method, offset = board["flash"]["method"], board["flash"]["offset"]
    assert (board["port"], method) in (("rp2", "uf2"), ("esp32", "esptool"))
    assert (offset is None) == (method == "uf2")


def test_pins(board):
    gpio = board["gpio"]
    assert gpio == sorted(set(gpio))
    assert set(board["input_only"]) <= set(gpio) and set(board["adc"]) <= set(gpio)
    i2c, spi = board["i2c"], board["spi"]
    assert set(i2c) == {"id", "sda", "scl"} and set(spi) == {"id", "sck", "mosi", "miso", "cs"}
    buses = [i2c["sda"], i2c["scl"], spi["sck"], spi["mosi"], spi["miso"], spi["cs"]]
    assert len(set(buses)) == 6 and set(buses) <= set(gpio)
    assert not set(buses) - {spi["miso"]} & set(board["input_only"])


def test_readme_documents_every_key():
    text = (FOLDER / "README.md").read_text()
    assert [key for key in KEYS if f"`{key}`" not in text] == []
