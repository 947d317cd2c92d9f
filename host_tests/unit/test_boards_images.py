# SPDX-License-Identifier: Apache-2.0
"""`tocsin flash`: images and drives that fit, and every way in which they don't."""

import struct

import pytest

from tools import cli
from tools.boards import config, flash, images
from tools.boards.errors import ImageError, LinkLost, WrongBoard

PICO, PICO_W, PICO2_W = (config.load(f"rpi_{name}") for name in ("pico", "pico_w", "pico2_w"))
RP2040, RP2350, RP2350_RISCV, ABSOLUTE = 0xE48BFF56, 0xE48BFF59, 0xE48BFF5A, 0xE48BFF57
INFO = "UF2 Bootloader v3.0\nModel: Raspberry Pi RP2\nBoard-ID: {}\n"


def text(machine, version="1.26.1"):
    return f"\0MicroPython v{version} on 2026-09-01; {machine}\0".encode()


def uf2(payload, family=RP2040, flags=0x2000):
    """A UF2 file with 256 bytes of payload per block."""
    chunks = [payload[at : at + 256].ljust(256, b"\0") for at in range(0, len(payload), 256)]
    head = (0x0A324655, 0x9E5D5157, flags)
    return b"".join(
        struct.pack("<8I", *head, 0x10000000 + 256 * i, 256, i, len(chunks), family)
        + chunk.ljust(476, b"\0")
        + struct.pack("<I", 0x0AB16F30)
        for i, chunk in enumerate(chunks)
    )


def esp(machine, chip, offset, version="1.26.1", table=b"\xaa\x50"):
    """A whole ESP image: header with the chip's id, partition table, application."""
    data = bytearray(b"\xff" * (0x9000 - offset)) + text(machine, version)
    data[0] = 0xE9
    struct.pack_into("<H", data, 12, chip)
    data[0x8000 - offset : 0x8000 - offset + 2] = table
    return bytes(data)


def read(tmp_path, data, board):
    path = tmp_path / "image.bin"
    path.write_bytes(data)
    return images.read(path, board)


PICO_TEXT = text("Raspberry Pi Pico with RP2040")
W_TEXT = text("Raspberry Pi Pico W with RP2040")


def test_the_right_uf2_is_taken(tmp_path):
    filler = b"x" * 700
    assert read(tmp_path, uf2(filler + PICO_TEXT), PICO).version == "1.26.1"
    assert read(tmp_path, uf2(filler + W_TEXT), PICO_W).offset is None


def test_a_block_for_the_boot_loader_is_passed_over(tmp_path):
    w2 = uf2(text("Raspberry Pi Pico 2 W with RP2350", "1.26.0"), RP2350)
    assert read(tmp_path, uf2(b"?", ABSOLUTE) + w2, PICO2_W).version == "1.26.0"


@pytest.mark.parametrize(
    ("data", "board", "message"),
    [
        (uf2(PICO_TEXT), PICO_W, r"is for Raspberry Pi Pico with RP2040, not for .*Pico W"),
        (uf2(W_TEXT), PICO, r"is for Raspberry Pi Pico W with RP2040, not for"),
        (uf2(PICO_TEXT), PICO2_W, "is for RP2040, not for RP2350"),
        (uf2(PICO_TEXT, RP2350_RISCV), PICO2_W, r"is for RP2350 \(RISC-V\)"),
        (uf2(PICO_TEXT, 0x12345678), PICO, "is for another chip"),
        (uf2(PICO_TEXT, flags=0), PICO, "not for RP2040"),
        (uf2(PICO_TEXT)[:-1], PICO, "no whole UF2 file"),
        (b"", PICO, "no whole UF2 file"),
        (esp("ESP32 module with ESP32", 0, 0), PICO, "no whole UF2 file"),
        (uf2(b"x" * 700 + PICO_TEXT)[:-512], PICO, "cut short"),
        (uf2(b"x" * 700 + PICO_TEXT)[512:], PICO, "lacks block 0"),
        (uf2(PICO_TEXT)[:-4] + b"none", PICO, "damaged at byte 0"),
        (uf2(b"some other program"), PICO, "not MicroPython"),
        (uf2(text("Raspberry Pi Pico with RP2040", "1.23.0")), PICO, "1.23.0, 1.24 or newer"),
    ],
)
def test_a_uf2_that_does_not_fit_is_refused(tmp_path, data, board, message):
    with pytest.raises(ImageError, match=message) as caught:
        read(tmp_path, data, board)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "machine", "chip", "offset"),
    [
        ("esp32", "Generic ESP32 module with ESP32", 0, 0x1000),
        ("esp32_s3", "Generic ESP32S3 module with ESP32S3", 9, 0),
        ("esp32_s3", "Generic ESP32S3 module with ESP32-S3", 9, 0),
        ("esp32_c3", "ESP32C3 module with ESP32C3", 5, 0),
    ],
)
def test_the_right_esp_image_is_taken(tmp_path, name, machine, chip, offset):
    image = read(tmp_path, esp(machine, chip, offset), config.load(name))
    assert (image.version, image.offset) == ("1.26.1", offset)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (esp("Generic ESP32S3 module with ESP32S3", 9, 0), "is for ESP32-S3, not for ESP32-C3"),
        (esp("ESP32C3 module with ESP32C3", 0, 0x1000), "is for ESP32, not for ESP32-C3"),
        (esp("ESP32C3 module with ESP32C3", 77, 0), "is for chip 77"),
        (esp("ESP32C3 module with ESP32C3", 5, 0, table=b"??"), "without boot loader"),
        (esp("LOLIN C3 with ESP32C3", 5, 0), "is for LOLIN C3 with ESP32C3"),
        (esp("ESP32C3 module with ESP32C3", 5, 0, "1.22.2"), "1.22.2, 1.24 or newer"),
        (esp("ESP32C3 module with ESP32C3", 5, 0) + bytes(1 << 22), "bytes of flash"),
        (uf2(PICO_TEXT), "no ESP image"),
        (b"\xe9", "no ESP image"),
    ],
)
def test_an_esp_image_that_does_not_fit_is_refused(tmp_path, data, message):
    with pytest.raises(ImageError, match=message) as caught:
        read(tmp_path, data, config.load("esp32_c3"))
    assert "\n" not in str(caught.value)


@pytest.fixture
def drive(tmp_path):
    folder = tmp_path / "RPI-RP2"
    folder.mkdir()
    (folder / flash.INFO).write_text(INFO.format("RPI-RP2"))
    return folder


def test_the_image_is_copied_to_the_drive(tmp_path, drive, capsys):
    path = tmp_path / "pico.uf2"
    path.write_bytes(uf2(b"x" * 90000 + PICO_TEXT))
    arguments = ["flash", "rpi_pico", str(drive), "--image", str(path)]
    assert cli.main([*arguments, "--dry-run"]) == 0
    assert [p.name for p in drive.iterdir()] == [flash.INFO]
    assert "nothing written" in " ".join(capsys.readouterr().out.split())
    assert cli.main(arguments) == 0
    assert (drive / "tocsin.uf2").read_bytes() == path.read_bytes()
    assert cli.main([*arguments, "--erase"]) == 2


def test_a_drive_of_another_chip_gets_nothing(tmp_path, drive):
    (drive / flash.INFO).write_text(INFO.format("RP2350"))
    image = read(tmp_path, uf2(PICO_TEXT), PICO)
    with pytest.raises(WrongBoard, match="an RP2350, Raspberry Pi Pico has an RP2040"):
        flash.flash(image, str(drive), PICO, False, lambda n: None)
    assert [p.name for p in drive.iterdir()] == [flash.INFO]


def test_a_folder_that_is_no_drive_gets_nothing(tmp_path):
    image = read(tmp_path, uf2(PICO_TEXT), PICO)
    with pytest.raises(WrongBoard, match="hold BOOTSEL while plugging in"):
        flash.flash(image, str(tmp_path), PICO, False, lambda n: None)
    assert [p.name for p in tmp_path.iterdir()] == ["image.bin"]


def test_the_only_drive_is_found_and_several_are_asked_about(drive, monkeypatch):
    monkeypatch.setattr(flash, "drives", lambda: [drive])
    assert flash.find_drive("auto", PICO) == drive
    monkeypatch.setattr(flash, "drives", lambda: [drive, drive / "b"])
    with pytest.raises(WrongBoard, match="give one as PORT"):
        flash.find_drive("auto", PICO)
    monkeypatch.setattr(flash, "drives", list)
    with pytest.raises(WrongBoard, match="no drive"):
        flash.find_drive("auto", PICO)


def test_unplugged_while_copying_is_told(tmp_path, drive, monkeypatch):
    image = read(tmp_path, uf2(b"x" * 90000 + PICO_TEXT), PICO)

    class Gone:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def write(self, data):
            raise OSError(5, "Input/output error")

    monkeypatch.setattr("builtins.open", lambda *_, **__: Gone())
    with pytest.raises(LinkLost, match="after 0 of"):
        flash.copy_uf2(image, drive, PICO, lambda n: None)


class Chip:
    """What esptool finds on the port; its commands note what they are called with."""

    CHIP_NAME = "ESP32-C3"

    def __init__(self):
        self.done = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def change_baud(self, baud):
        self.done.append(("change_baud", baud))


@pytest.fixture
def esptool_on(monkeypatch):
    from esptool import cmds

    chip = Chip()
    monkeypatch.setattr(cmds, "detect_chip", lambda port: chip)
    monkeypatch.setattr(cmds, "run_stub", lambda esp: esp)
    for name in ("attach_flash", "erase_flash", "write_flash", "verify_flash", "reset_chip"):
        monkeypatch.setattr(
            cmds, name, lambda esp, *a, name=name: esp.done.append((name, *a))
        )
    return chip


def test_esptool_writes_at_the_offset_and_verifies(tmp_path, esptool_on):
    board = config.load("esp32_c3")
    image = read(tmp_path, esp("ESP32C3 module with ESP32C3", 5, 0), board)
    flash.flash(image, "p", board, True, lambda n: None)
    there = [(0, str(image.path))]
    assert esptool_on.done[1:] == [
        ("attach_flash",), ("erase_flash",), ("write_flash", there), ("verify_flash", there),
        ("reset_chip", "hard-reset"),
    ]  # fmt: skip


def test_another_esp_on_the_port_is_refused_before_writing(tmp_path, esptool_on):
    board = config.load("esp32_c3")
    image = read(tmp_path, esp("ESP32C3 module with ESP32C3", 5, 0), board)
    esptool_on.CHIP_NAME = "ESP32-S3"
    with pytest.raises(WrongBoard, match="this is an ESP32-S3, not an ESP32-C3"):
        flash.flash(image, "p", board, False, lambda n: None)
    assert esptool_on.done == []


def test_esptool_has_the_commands_that_are_used():
    import inspect

    from esptool import FatalError, cmds
    from esptool.targets import ESP32C3ROM

    assert ESP32C3ROM.CHIP_NAME == config.load("esp32_c3").data["mcu"]
    assert issubclass(FatalError, Exception)
    for name in ("write_flash", "verify_flash"):
        assert list(inspect.signature(getattr(cmds, name)).parameters)[:2] == ["esp", "addr_data"]


def test_no_esp_on_the_port_is_one_line(tmp_path):
    board = config.load("esp32_c3")
    image = read(tmp_path, esp("ESP32C3 module with ESP32C3", 5, 0), board)
    with pytest.raises(LinkLost) as caught:
        flash.flash(image, str(tmp_path / "ttyUSB7"), board, False, lambda n: None)
    assert "\n" not in str(caught.value) and "ttyUSB7" in str(caught.value)
