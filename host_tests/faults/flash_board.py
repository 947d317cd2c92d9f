# SPDX-License-Identifier: Apache-2.0
"""A board for `tocsin deploy` with a real littlefs, on flash that can lose its power.

`FlashBoard` takes the place of a `Link`: the scripts that run on a board run here, on CPython,
with `os` and `open` of that littlefs, set up as MicroPython's rp2 port does. The flash notes what
is done to it, so that `cuts` can go through every state in which the power may have left it.
"""

import builtins
import io
import random
import sys
import types
import zlib
from collections.abc import Callable, Iterator

from littlefs import LittleFS, UserContext
from littlefs.errors import LittleFSError

from tools.boards.link import ScriptFailed

BLOCK, PROG, CACHE = 4096, 256, 1024
_FOLDER, _FILE = 0x4000, 0x8000


class Flash(UserContext):
    """Flash that notes what is done to it: [(start, bytes)], an erase as a block of 0xff."""

    def __init__(self, blocks: int, content: bytes | None = None):
        super().__init__(buffsize=BLOCK * blocks)
        self.blocks = blocks
        if content is not None:
            self.buffer[:] = content
        self.journal: list[tuple[int, bytes]] = []

    def prog(self, cfg, block, off, data):
        return self._do(block * cfg.block_size + off, bytes(data))

    def erase(self, cfg, block):
        return self._do(block * cfg.block_size, b"\xff" * cfg.block_size)

    def _do(self, start, data):
        self.journal.append((start, data))
        self.buffer[start : start + len(data)] = data
        return 0


def cuts(content: bytes, journal: list, wanted: Callable[[int], bool] | None = None,
         seed: int = 1) -> Iterator[tuple[str, bytes]]:  # fmt: skip
    """(what happened, flash): the power goes before, in, and after each operation.

    In it: after its first byte, half of it, all but the last, or with garbage where it was to
    write. wanted: of which operations, by their number.
    """
    rng = random.Random(seed)
    left = bytearray(content)
    for number in range(len(journal) + 1):
        if wanted is None or wanted(number):
            yield f"before operation {number}", bytes(left)
            for start, data in journal[number : number + 1]:
                for part in (1, len(data) // 2, len(data) - 1):
                    torn = bytearray(left)
                    torn[start : start + part] = data[:part]
                    yield f"{part} bytes into operation {number}", bytes(torn)
                torn = bytearray(left)
                torn[start : start + len(data)] = rng.randbytes(len(data))
                yield f"garbage in operation {number}", bytes(torn)
        for start, data in journal[number : number + 1]:
            left[start : start + len(data)] = data


class FlashBoard:
    """A board that has just been powered on. `content` is its flash; None for a new one."""

    def __init__(self, blocks: int, content: bytes | None = None):
        self.port = "flash"
        self.flash = Flash(blocks, content)
        self.disk = LittleFS(
            self.flash, mount=False, block_size=BLOCK, block_count=blocks, prog_size=PROG,
            read_size=32, cache_size=CACHE, lookahead_size=32,
        )  # fmt: skip
        if content is None:
            self.disk.format()
        self.disk.mount()
        self._modules = _modules(self)
        self._space = self._names()

    def boot(self) -> None:
        """Run boot.py, as MicroPython does; a failure is printed and no more."""
        space = self._names()
        try:
            with self._open("/boot.py") as file:
                exec(compile(file.read(), "boot.py", "exec"), space)
        except Exception as error:
            self.boot_error = repr(error)

    boot_error: str | None = None

    def run(self, text: str, told: Callable[[str], None] | None = None) -> str:
        """Run a script as the raw REPL does. Raises ScriptFailed."""
        printed = io.StringIO()

        def show(*values, **options):
            print(*values, file=printed, **options)
            if told:
                told(" ".join(map(str, values)))

        self._space["__builtins__"]["print"] = show
        try:
            exec(compile(text, "<stdin>", "exec"), self._space)
        except Exception as error:
            raise ScriptFailed(repr(error)) from None
        return printed.getvalue()

    def files(self) -> dict[str, bytes]:
        """Everything that lies in the file system."""
        found = {}
        for folder, _, names in self.disk.walk("/"):
            for name in names:
                path = f"{folder.rstrip('/')}/{name}"
                with self.disk.open(path, "rb") as file:
                    found[path] = file.read()
        return found

    def write(self, files: dict[str, bytes]) -> None:
        for path, data in files.items():
            self.disk.makedirs(path.rpartition("/")[0] or "/", exist_ok=True)
            with self.disk.open(path, "wb") as file:
                file.write(data)

    def image(self) -> bytes:
        return bytes(self.flash.buffer)

    def _names(self) -> dict:
        own = {**vars(builtins), "open": self._open, "__import__": self._import,
               "print": lambda *values: None}  # fmt: skip
        return {"__name__": "__main__", "__builtins__": own}

    def _import(self, name, *rest):
        if name in self._modules:
            return self._modules[name]
        if name in ("machine", "firmware", "esp32"):
            raise ImportError(f"no module named '{name}'")
        return builtins.__import__(name, *rest)

    def _open(self, path, mode="r"):
        with _as_os_error():
            if "b" not in mode:
                with self.disk.open(path, mode + "b", buffering=0) as file:
                    if "r" in mode:
                        return io.StringIO(file.read().decode())
                raise ValueError("text is only read here")
            try:
                return self.disk.open(path, mode, buffering=0)
            except FileNotFoundError:
                if mode != "ab":
                    raise
                return self.disk.open(path, "wb", buffering=0)  # appending creates on a board


class _as_os_error:
    """littlefs's errors as a board raises them."""

    def __enter__(self):
        return self

    def __exit__(self, kind, error, _):
        if isinstance(error, LittleFSError):
            raise OSError(-error.code, error.name) from None


def _modules(board: FlashBoard) -> dict[str, types.ModuleType]:
    """What the scripts import and CPython has not, or has otherwise."""
    disk = board.disk
    made = {name: types.ModuleType(name) for name in ("os", "sys", "deflate", "rp2")}

    def stat(path):
        with _as_os_error():
            found = disk.stat(path)
        return (_FOLDER if found.type == 2 else _FILE, 0, 0, 0, 0, 0, found.size, 0, 0, 0)

    def ilistdir(path):
        with _as_os_error():
            found = list(disk.scandir(path))
        return ((e.name, _FOLDER if e.type == 2 else _FILE, 0, e.size) for e in found)

    def changing(name):
        def act(*paths):
            with _as_os_error():
                getattr(disk, name)(*paths)

        return act

    def statvfs(path):
        free = board.flash.blocks - disk.used_block_count
        return (BLOCK, BLOCK, board.flash.blocks, free, free, 0, 0, 0, 0, 255)

    vars(made["os"]).update(
        stat=stat, ilistdir=ilistdir, statvfs=statvfs,
        **{name: changing(name) for name in ("mkdir", "rename", "remove", "rmdir")},
    )  # fmt: skip
    pico = types.SimpleNamespace(
        version=(1, 26, 1), _machine="Raspberry Pi Pico with RP2040", _build="RPI_PICO",
        _mpy=4 << 10 | 3 << 8 | 6,
    )  # fmt: skip
    vars(made["sys"]).update(implementation=pico, platform="rp2", modules={}, path=sys.path)

    class Device:
        def readblocks(self, block, buffer):
            start = block * BLOCK
            buffer[:] = bytes(board.flash.buffer[start : start + len(buffer)])

    made["rp2"].Flash = Device

    class DeflateIO:
        def __init__(self, stream, kind, bits):
            assert (kind, bits) == (1, 13)
            self._data = zlib.decompress(stream.read(), -13)

        def __enter__(self):
            return io.BytesIO(self._data)

        def __exit__(self, *_):
            pass

    vars(made["deflate"]).update(RAW=1, DeflateIO=DeflateIO)
    return made
