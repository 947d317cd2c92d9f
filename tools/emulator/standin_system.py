# SPDX-License-Identifier: Apache-2.0
"""The smaller modules of an emulated board: micropython, gc, os, sys, network, rp2, esp32."""

import gc as host_gc
import os as host_os
import shutil
import sys as host_sys
import traceback
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, NoReturn

from tools.emulator.chips.rp2_adc import address_of
from tools.emulator.hardware import Hardware
from tools.emulator.serial import Serial

_HEAP_BYTES = 192 * 1024
_BLOCK_BYTES = 16


def build_micropython(hw: Hardware, serial: Serial) -> ModuleType:
    """`micropython` of a build without native code: const, schedule, heap_lock, kbd_intr."""
    module = ModuleType("micropython")
    locks = [0]

    def heap_lock(step: int) -> int:
        locks[0] += step
        return locks[0]

    def schedule(function: Any, argument: Any) -> None:
        hw.clock.call_at(hw.clock.now_us, lambda: function(argument))

    def kbd_intr(char: int) -> None:
        serial.interrupt_key = char

    def missing(name: str) -> NoReturn:
        if name in ("native", "viper", "asm_thumb", "asm_rv32", "asm_xtensa"):
            raise SyntaxError("invalid micropython decorator")
        raise AttributeError(name)

    module.__dict__.update(
        const=lambda value: value, schedule=schedule, heap_lock=lambda: heap_lock(1),
        heap_unlock=lambda: heap_lock(-1), heap_locked=lambda: locks[0],
        mem_info=lambda verbose=0: None, alloc_emergency_exception_buf=lambda size: None,
        opt_level=lambda level=0: 0, kbd_intr=kbd_intr, stack_use=lambda: 0,
        __getattr__=missing)
    return module


def build_gc() -> ModuleType:
    """`gc` with mem_alloc and mem_free: an estimate from CPython's block count since boot."""
    module = ModuleType("gc")
    start = host_sys.getallocatedblocks()

    def mem_alloc() -> int:
        return max(0, host_sys.getallocatedblocks() - start) * _BLOCK_BYTES

    module.__dict__.update(
        collect=host_gc.collect, enable=host_gc.enable, disable=host_gc.disable,
        isenabled=host_gc.isenabled, threshold=lambda amount=-1: -1, mem_alloc=mem_alloc,
        mem_free=lambda: max(0, _HEAP_BYTES - mem_alloc()))
    return module


def build_os(root: Path) -> ModuleType:
    """`os` whose file system is `root`; the working directory is "/" as on a board at boot."""
    module = ModuleType("os")

    def inside(path: str) -> str:
        return board_path(root, path)

    def ilistdir(path: str = "") -> Any:
        for entry in host_os.scandir(inside(path)):
            kind = 0x4000 if entry.is_dir() else 0x8000
            yield (entry.name, kind, 0, entry.stat().st_size)

    def stat(path: str) -> tuple[int, ...]:
        s = host_os.stat(inside(path))
        return (s.st_mode & 0xC000, 0, 0, 0, 0, 0, s.st_size, int(s.st_atime), int(s.st_mtime),
                int(s.st_ctime))

    def statvfs(path: str) -> tuple[int, ...]:
        blocks = 848 * 1024 // 4096
        used = sum(-(-p.stat().st_size // 4096) for p in root.rglob("*") if p.is_file())
        free = max(0, blocks - used)
        return (4096, 4096, blocks, free, free, 0, 0, 0, 0, 255)

    module.__dict__.update(
        listdir=lambda path="": sorted(host_os.listdir(inside(path))), ilistdir=ilistdir,
        stat=stat, statvfs=statvfs, getcwd=lambda: "/", sep="/",
        mkdir=lambda path: host_os.mkdir(inside(path)),
        rmdir=lambda path: host_os.rmdir(inside(path)),
        remove=lambda path: host_os.remove(inside(path)),
        unlink=lambda path: host_os.remove(inside(path)),
        rename=lambda old, new: host_os.replace(inside(old), inside(new)),
        sync=lambda: None, urandom=host_os.urandom)
    return module


def board_path(root: Path, path: str) -> str:
    """Host path of a path on the board; `..` never leaves the board's directory."""
    parts: list[str] = []
    for part in path.split("/"):
        if part == ".." and parts:
            parts.pop()
        elif part not in ("", ".", ".."):
            parts.append(part)
    return str(root.joinpath(*parts))


def build_sys(platform: str, arch: int, serial: Serial, typing: bool) -> ModuleType:
    """`sys` of the board: MicroPython's names; modules, path and exit are the process's own.

    arch: of native code that the firmware takes, as in `sys.implementation._mpy`; 0 for none.
    typing: whether there is somebody at the serial line; without, stdin is None.
    """
    module = ModuleType("sys")

    def print_exception(error: BaseException, file: Any = None) -> None:
        print("".join(traceback.format_exception(error)), file=file or host_sys.stdout)

    module.__dict__.update(
        implementation=SimpleNamespace(name="micropython", version=(1, 28, 0, ""),
                                       _machine="Tocsin emulated board",
                                       _mpy=6 | 3 << 8 | arch << 10),
        platform=platform, version="3.4.0; MicroPython v1.28.0", version_info=(3, 4, 0),
        byteorder="little", maxsize=0x7FFFFFFF, modules=host_sys.modules, path=host_sys.path,
        exit=host_sys.exit, stdin=serial.stdin if typing else None, stdout=serial.stdout,
        stderr=host_sys.stderr, print_exception=print_exception, argv=[])
    return module


def build_network() -> ModuleType:
    """`network` of a board whose access point is out of reach: it never connects."""
    module = ModuleType("network")

    class WLAN:
        def __init__(self, interface: int = 0):
            self._active = False

        def active(self, up: bool | None = None) -> bool:
            if up is not None:
                self._active = bool(up)
            return self._active

        def connect(self, ssid: str = "", key: str = "") -> None:
            if not self._active:
                raise OSError("Wifi Not Started")

        def disconnect(self) -> None:
            pass

        def isconnected(self) -> bool:
            return False

        def status(self, what: str | None = None) -> int:
            return 0

        def scan(self) -> list[tuple[Any, ...]]:
            return []

        def ifconfig(self) -> tuple[str, str, str, str]:
            return ("0.0.0.0", "0.0.0.0", "0.0.0.0", "0.0.0.0")

    module.__dict__.update(WLAN=WLAN, STA_IF=0, AP_IF=1, STAT_IDLE=0, STAT_GOT_IP=3,
                           hostname=lambda name=None: "tocsin", country=lambda code=None: "XX")
    return module


def build_port(hw: Hardware, root: Path) -> dict[str, ModuleType]:
    """The port's own module: `rp2` or `esp32`."""
    module = ModuleType(hw.platform)
    if hw.platform == "esp32":
        class NVS:
            def __init__(self, namespace: str):
                self._path = root / (".nvs-" + namespace)

            def set_blob(self, key: str, value: bytes) -> None:
                self._path.mkdir(exist_ok=True)
                (self._path / key).write_bytes(bytes(value))

            def get_blob(self, key: str, buffer: Any) -> int:
                data = (self._path / key).read_bytes()
                buffer[:len(data)] = data
                return len(data)

            def erase_key(self, key: str) -> None:
                (self._path / key).unlink()

            def commit(self) -> None:
                pass

        module.__dict__.update(NVS=NVS, mcu_temperature=lambda: 35)
    else:
        module.__dict__.update(bootsel_button=lambda: 0, country=lambda code=None: "XX",
                               DMA=hw.rp2_adc.channel)
    uctypes = ModuleType("uctypes")
    uctypes.__dict__.update(addressof=address_of)
    return {hw.platform: module, "uctypes": uctypes}


def wipe(root: Path) -> None:
    """Make `root` an empty file system."""
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
