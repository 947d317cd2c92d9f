# SPDX-License-Identifier: Apache-2.0
"""A board for tests of `tocsin deploy`: real MicroPython on a socket that says it is a Pico."""

from tools.boards import config
from tools.boards.files import Content, with_manifest
from tools.boards.link import Link, script

PICO = config.load("rpi_pico")

_PREAMBLE = """
import os, sys
class _Sys:
    class implementation:
        name = "micropython"
        version = {version!r}
        _machine = {machine!r}
        _build = {build!r}
        _mpy = {mpy}
    platform = {platform!r}
    def __getattr__(self, name):
        return getattr(_real_sys, name)
_real_sys = sys
sys.modules["sys"] = _Sys()
class _Rp2:
    class Flash:
        def readblocks(self, block, buffer):
            buffer[:] = bytes(512)
            buffer[8:16] = {magic!r}
            buffer[510:] = {mark!r}
sys.modules["rp2"] = _Rp2
if {free!r} is not None:
    os.statvfs = lambda path: (4096, 4096, 352, {free!r}, {free!r}, 0, 0, 0, 0, 255)
del _Sys, _Rp2
"""


def pico(
    version=(1, 26, 1),
    machine="Raspberry Pi Pico with RP2040",
    build="RPI_PICO",
    arch=4,
    abi=(6, 3),
    platform="rp2",
    file_system="littlefs",
    free=None,
):
    """A preamble that makes the served MicroPython answer as such a board. `free`: in blocks."""
    littlefs = file_system == "littlefs"
    return _PREAMBLE.format(
        version=version,
        machine=machine,
        build=build,
        mpy=arch << 10 | abi[1] << 8 | abi[0],
        platform=platform,
        magic=b"littlefs" if littlefs else b"MSDOS5.0",
        mark=b"\0\0" if littlefs else b"\x55\xaa",
        free=free,
    )


def content(tag: str, **more: bytes) -> Content:
    """A small program of which every file says `tag`; running it leaves `booted` and `ran`."""
    parts = ("__init__", "app", "slots")
    files = {f"/firmware/{name}.py": f"TAG = {tag!r}  # {name}\n".encode() for name in parts}
    files["/firmware/drivers/sht31.py"] = b"# a driver\n"
    big = "".join(f"# {i} {tag}\n" for i in range(999))
    files["/lib/tocsin/kernels/big.py"] = big.encode()
    files["/boot.py"] = f"booted = {tag!r}\n".encode()
    files["/main.py"] = f"ran = {tag!r}\n".encode()
    files["/board.json"] = PICO.content()
    files.update({f"/lib/tocsin/{name}.py": data for name, data in more.items()})
    return Content(with_manifest(files, PICO.id))


def on_board(url: str) -> dict[str, bytes]:
    """Every file on the board but /dev and /proc."""
    link = Link(url)
    try:
        text = link.run(
            script("look")
            + """
def every(folder):
    for entry in os.ilistdir(folder):
        path = folder.rstrip("/") + "/" + entry[0]
        if path in ("/dev", "/proc", "/tmp", "/home"):
            continue
        if entry[1] & 0x4000:
            every(path)
        else:
            with open(path, "rb") as file:
                print(repr((path, file.read())))
every("/")
"""
        )
    finally:
        link.close()
    import ast

    return dict(ast.literal_eval(line) for line in text.splitlines())
