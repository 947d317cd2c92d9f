# SPDX-License-Identifier: Apache-2.0
"""`make emulate`: what it refuses, in one line, before a board is switched on."""

import socket

import pytest

from tools.emulator import chip_plants, emulate
from tools.emulator.pico import layout_of, storage_bytes
from tools.emulator.serve_pico import CHIPS, ServeError, serve


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(emulate, "FOLDER", tmp_path)
    for name in emulate.VARIABLES.values():
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def refused(capsys, *arguments):
    assert emulate.main(list(arguments)) == 2
    out = capsys.readouterr()
    [line] = out.err.splitlines()
    assert line.startswith("make emulate: ")
    return line


@pytest.mark.parametrize(
    "board, says",
    [
        ("esp32", "these can: rpi_pico, rpi_pico_w"),
        ("rpi_pico2_w", "cannot be emulated"),
        ("nano", "no board"),
    ],
)
def test_a_board_that_is_not_emulated(folder, capsys, board, says):
    assert says in refused(capsys, board)


def test_an_image_that_is_not_there(folder, capsys, monkeypatch):
    monkeypatch.setenv("MICROPYTHON_UF2_W", str(folder / "gone.uf2"))
    assert "gone.uf2" in refused(capsys, "rpi_pico_w")


def test_no_image_and_no_internet(folder, capsys, monkeypatch):
    import rp2040py.boards

    def offline(*_):
        raise OSError("no route to host")

    monkeypatch.setattr(rp2040py.boards, "resolve_firmware", offline)
    line = refused(capsys, "rpi_pico_w")
    assert "set MICROPYTHON_UF2_W to a UF2 file" in line


def test_a_file_that_is_no_image(folder, capsys):
    image = folder / "x.uf2"
    image.write_bytes(b"hello")
    assert "no whole UF2 file" in refused(capsys, "rpi_pico", "--image", str(image))


def test_a_port_that_is_taken(folder):
    image = folder / "x.uf2"
    image.write_bytes(b"")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ServeError, match=f"port {port}: .*; give another one"):
            serve("rpi_pico", image, port=port)


def test_the_flash_of_another_board(folder):
    image, flash = folder / "x.uf2", folder / "flash.img"
    image.write_bytes(b"")
    flash.write_bytes(bytes(storage_bytes("pico")))
    with pytest.raises(ServeError, match="is not the flash of this board; remove it"):
        serve("rpi_pico_w", image, flash)
    assert flash.stat().st_size == storage_bytes("pico")


def test_a_first_start_gets_a_configuration_and_a_later_one_keeps_it(folder, monkeypatch):
    from tools import cli
    from tools.emulator.pico import file_system

    called = []
    monkeypatch.setattr(cli, "main", lambda arguments: called.append(arguments) or 0)
    assert not emulate.configured("rpi_pico")
    emulate.deploy("rpi_pico", "socket://x", [], True)
    emulate.deploy("rpi_pico", "socket://x", ["--template=vibration"], True)
    flash = folder / "rpi_pico.img"
    flash.write_bytes(b"\xff" * storage_bytes("pico"))
    assert not emulate.configured("rpi_pico")
    flash.write_bytes(file_system({"/config.json": b"{}"}, layout_of("pico")))
    assert emulate.configured("rpi_pico")
    assert [call[:3] for call in called] == [["deploy", "rpi_pico", "socket://x"]] * 2
    assert [call[5:] for call in called] == [["--template", "cold_chain"],
                                             ["--template=vibration"]]  # fmt: skip


def test_every_chip_of_the_list_can_be_made():
    made = [chip_plants.make(entry, lambda: 0) for entry in CHIPS]
    assert len({type(chip) for chip in made}) == len(CHIPS) - 1  # one of them on both buses
    with pytest.raises(ValueError, match="no chip 'abc'"):
        chip_plants.make({"chip": "abc"}, lambda: 0)
    with pytest.raises(ValueError, match="does not feel 'pressure'"):
        chip_plants.make({"chip": "sht31", "feels": {"pressure": 1}}, lambda: 0)
