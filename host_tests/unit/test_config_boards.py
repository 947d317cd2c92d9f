# SPDX-License-Identifier: Apache-2.0
"""Every board file has the documented keys, with values that can be true together."""

import json
from pathlib import Path

import pytest

from tocsin import kernels
from tocsin.config.schema import is_id
from tools.boards import config
from tools.boards.errors import ConfigError

FOLDER = Path(__file__).parents[2] / "board_configs"
FILES = sorted(FOLDER.glob("*.json"))
KEYS = {
    "board": str, "name": str, "port": str, "micropython_board": str, "machine": str,
    "micropython_min": str,
    "mcu": str, "arch": str, "clock_mhz": int, "fpu": bool,
    "backend": (str, type(None)), "memory": dict, "wifi": bool,
    "watchdog_max_ms": (int, type(None)), "flash": dict, "led": (int, str, type(None)),
    "i2c": dict, "spi": dict, "adc": list, "gpio": list, "input_only": list, "power": dict,
    "sources": list}
ARCHES = {"rp2": ("armv6m", "armv7emsp", "rv32imc"), "esp32": ("xtensawin", "rv32imc")}
FIRST_NATIVE = {"armv6m": (1, 24), "armv7emsp": (1, 23), "xtensawin": (1, 23),
                "rv32imc": (1, 24)}
CHIPS = {"RP2040": "0xe48bff56", "RP2350": "0xe48bff59", "ESP32": "0", "ESP32-S3": "9",
         "ESP32-C3": "5"}
FPU = {"RP2040": False, "RP2350": True, "ESP32": True, "ESP32-S3": True, "ESP32-C3": False}
CURRENTS = ("active_ma", "sleep_ma", "wifi_receive_ma", "wifi_transmit_ma")


@pytest.fixture(params=FILES, ids=[path.stem for path in FILES])
def board(request):
    data = json.loads(request.param.read_text())
    assert data["board"] == request.param.stem and is_id(data["board"])
    return data


def test_there_are_boards():
    wanted = {"rpi_pico", "rpi_pico_w", "rpi_pico2_w", "esp32", "esp32_s3", "esp32_c3"}
    assert wanted <= {path.stem for path in FILES}


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
    assert board["machine"].endswith(" with " + board["mcu"])
    if board["mcu"] in FPU:
        assert board["fpu"] == FPU[board["mcu"]]
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
    assert set(board["flash"]) == {"method", "offset", "id"}
    assert board["flash"]["id"] == CHIPS.get(board["mcu"], board["flash"]["id"])
    int(board["flash"]["id"], 0)


def test_power_is_in_order_and_says_where_it_comes_from(board):
    power = board["power"]
    assert set(power) == {"volts", "source", *CURRENTS}
    assert 1.8 <= power["volts"] <= 5.5 and len(power["source"]) > 20
    known = {key: power[key] for key in CURRENTS if power[key] is not None}
    assert all(0 < value < 1000 for value in known.values())
    order = [known[key] for key in ("sleep_ma", "active_ma", "wifi_receive_ma", "wifi_transmit_ma")
             if key in known]  # fmt: skip
    assert order == sorted(order)
    assert board["wifi"] or not {"wifi_receive_ma", "wifi_transmit_ma"} & set(known)


def test_the_tools_load_it(board):
    loaded = config.load(board["board"])
    assert kernels.NATIVE[loaded.arch_number][0] == board["arch"]
    assert json.loads(loaded.content()) == board
    assert loaded.minimum >= (1, 24)


def test_a_file_of_ones_own_and_a_broken_one(tmp_path):
    data = json.loads((FOLDER / "rpi_pico.json").read_text())
    mine = tmp_path / "mine.json"
    mine.write_text(json.dumps({**data, "board": "mine"}))
    assert config.load(str(mine)).id == "mine"
    mine.write_text(json.dumps({key: data[key] for key in data if key != "arch"}))
    with pytest.raises(ConfigError, match="no 'arch'"):
        config.load(str(mine))
    mine.write_text("{")
    with pytest.raises(ConfigError, match="board_configs/README.md"):
        config.load(str(mine))


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


FOR_PEOPLE = {"clock_mhz", "fpu", "wifi", "watchdog_max_ms", "power", "sources"}


def test_each_key_is_read_by_code_or_said_to_be_for_people():
    """A key that nothing reads, and that the README does not say so of, is one too many."""
    folders = ("tools/boards", "firmware", "lib")
    code = "".join(p.read_text() for f in folders for p in (FOLDER.parent / f).rglob("*.py"))
    read = {key for key in KEYS if f'"{key}"' in code}
    assert set(KEYS) - read == FOR_PEOPLE
    text = (FOLDER / "README.md").read_text()
    said = text[text.index("No program reads") : text.index("## Add a board")].split("\n\n")[0]
    assert {key for key in KEYS if f"`{key}`" in said} - {"memory"} == FOR_PEOPLE
