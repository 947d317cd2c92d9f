# SPDX-License-Identifier: Apache-2.0
"""A real MicroPython image on an emulated Raspberry Pi Pico: boot it, run scripts, take the time.

    files = tree(board_files("armv6m"))             paths on the board -> content
    pico = Pico(image_from_environment(), files)
    print(pico.run("import gc; print(gc.mem_free())"), pico.seconds)

rp2040py executes the image instruction by instruction and counts cycles at 125 MHz, which
`time.ticks_us()` on the board shows. What the host sends depends on the board's time only, so a
run with the same image, files and scripts gives the same output and the same times. Misses of the
flash cache are not modelled.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from littlefs import LittleFS, UserContext
from rp2040py.boards import BOARDS, BoardSpec, FlashLayout, resolve_layout
from rp2040py.device.base_device import BaseDevice, ResetCause
from rp2040py.device.raw_repl import RawReplError, RawReplRunner
from rp2040py.memory_map import FLASH_START_ADDRESS

from tools.emulator.m0plus import Processor

VARIABLE = "MICROPYTHON_UF2"
MISSING = f"set {VARIABLE} to a MicroPython UF2 image for the Raspberry Pi Pico"
HERTZ = 125_000_000
_WATCHDOG_CTRL, _WATCHDOG_CTRL_AT_RESET = 0, 7 << 24  # RP2040 datasheet, 4.7.6
_FEED_NANOS = 1_000_000


class PicoError(RuntimeError):
    """The board raised an exception (its traceback is the message) or did not answer in time."""


def image_from_environment(variable: str = VARIABLE) -> Path | None:
    """The UF2 file that the variable names, None where it is not set. Raises PicoError."""
    name = os.environ.get(variable)
    if not name:
        return None
    if not Path(name).is_file():
        raise PicoError(f"{variable}: no file {name}")
    return Path(name)


def tree(root: Path, without: tuple[str, ...] = ()) -> dict[str, bytes]:
    """The files below a folder: path on the board, such as `/lib/x.mpy` -> content."""
    found = {"/" + path.relative_to(root).as_posix(): path for path in sorted(root.rglob("*"))}
    return {
        name: path.read_bytes()
        for name, path in found.items()
        if path.is_file() and name not in without
    }


def file_system(files: Mapping[str, bytes], layout: FlashLayout) -> bytes:
    """A littlefs image of exactly the size that the board's MicroPython mounts."""
    disk = _disk(bytes(layout.fs_blocksize * layout.fs_blockcount), layout)
    disk.format()
    disk.mount()
    for name, content in files.items():
        disk.makedirs(name.rpartition("/")[0] or "/", exist_ok=True)
        with disk.open(name, "wb") as file:
            file.write(content)
    disk.unmount()
    return bytes(disk.context.buffer)


def read_stored(storage: bytes, layout: FlashLayout, name: str) -> bytes:
    """A file of a file system. Raises FileNotFoundError; LittleFSError where there is none."""
    disk = _disk(storage, layout)
    disk.mount()
    with disk.open(name, "rb") as file:
        return file.read()


def storage_bytes(board: str) -> int:
    """Size of the file system that MicroPython makes on "pico" or "pico_w"."""
    layout = layout_of(board)
    return layout.fs_blocksize * layout.fs_blockcount


def layout_of(board: str) -> FlashLayout:
    """Where the file system of "pico" or "pico_w" lies in its flash."""
    layout = resolve_layout(BOARDS[board], "micropython")
    assert layout is not None
    return layout


def _disk(content: bytes, layout: FlashLayout) -> LittleFS:
    """littlefs on the bytes of a board's file system, not mounted."""
    context = UserContext(buffsize=len(content))
    context.buffer[:] = content
    size, count = layout.fs_blocksize, layout.fs_blockcount
    return LittleFS(context, mount=False, block_size=size, block_count=count, prog_size=256)


class Pico:
    """An emulated Pico, powered on: the image boots, mounts its file system, runs main.py if any.

    image: a UF2 file. files: path on the board -> content. board: "pico" or "pico_w". storage: all
    bytes of the file system instead of files; empty flash is b"\\xff" * storage_bytes(board).
    fast: the processor in C, where interrupts of a busy bus may take other times.
    Raises PicoError when it does not come up on USB within 10 s of its own time.
    """

    def __init__(self, image: Path, files: Mapping[str, bytes] | None = None, board: str = "pico",
                 storage: bytes | None = None, fast: bool = False):  # fmt: skip
        spec = BOARDS[board]
        self.layout = layout = layout_of(board)
        self.device = BaseDevice(board=BoardSpec(mcu=spec.mcu, extras=spec.extras, image=image))
        self._start = layout.fs_start
        self._end = layout.fs_start + layout.fs_blocksize * layout.fs_blockcount
        self.storage = file_system(files or {}, layout) if storage is None else storage
        self._processor = Processor(self.device.simulator, fast)
        self.line = Line(self.device)
        watchdog = self.device.mcu.watchdog
        self._watchdog_off = self.device.simulator.clock.create_alarm(self._disable_watchdog)
        self._bitten = watchdog.on_watchdog_trigger
        watchdog.on_watchdog_trigger = self._bite
        self.device.cdc.on_device_connected = self._stop
        self.device.mcu.core.pc = FLASH_START_ADDRESS
        self._run_until_stopped(10.0, "did not come up on USB")

    @property
    def seconds(self) -> float:
        """Time on the board since power-on."""
        return self.device.simulator.clock.nanos / 1e9

    def step(self) -> None:
        """Let it run for a few milliseconds of the host's time, or until it is stopped."""
        self._processor.batch()

    def wait(self, seconds: float) -> None:
        """Let what runs on the board, its main.py, go on for some of its time."""
        simulator = self.device.simulator
        end = self.seconds + seconds
        simulator.stopped = False
        while not simulator.stopped and self.seconds < end:
            self.step()

    def run(self, script: str, limit_s: float = 600.0) -> str:
        """Interrupt what runs, run a script, return what it printed.

        Raises PicoError: with the board's traceback, or after `limit_s` of its time.
        """
        errors: list[Exception] = []

        def failed(error: Exception) -> None:
            errors.append(error)
            self._stop()

        repl = _RawRepl(self.device, self.line, script.encode(), self._stop, failed)
        repl.begin()
        try:
            self._run_until_stopped(limit_s, "did not finish the script")
        finally:
            repl.end()
        if errors:
            raise PicoError(f"the board's REPL: {errors[0]}")
        out, problem = (part.decode(errors="replace").replace("\r\n", "\n") for part in repl.reply)
        if problem:
            raise PicoError(problem.strip())
        return out

    def reset(self) -> None:
        """Press its reset button."""
        self.device.hard_reset(cause=ResetCause.RUN_PIN)
        self._disable_watchdog()

    def power_cycle(self) -> None:
        """Switch it off and on: what the RAM held is gone, the flash stays."""
        self.device.mcu.sram[:] = bytes(len(self.device.mcu.sram))
        self.device.hard_reset(cause=ResetCause.POWER_ON)
        self._disable_watchdog()

    def read_file(self, name: str) -> bytes:
        """The content of a file on the board's flash. Raises FileNotFoundError."""
        return read_stored(self.storage, self.layout, name)

    @property
    def storage(self) -> bytes:
        """All bytes of the file system, as they lie in the flash."""
        return bytes(self.device.mcu.flash[self._start : self._end])

    @storage.setter
    def storage(self, content: bytes) -> None:
        if len(content) != self._end - self._start:
            raise PicoError(
                f"a file system of {self._end - self._start} bytes is needed, not {len(content)}"
            )
        self.device.mcu.flash[self._start : self._end] = content

    def _bite(self) -> None:
        """A reset disables the watchdog; rp2040py lets it run on."""
        self._bitten()
        self._disable_watchdog()
        self._watchdog_off.schedule(0)  # once more, after the register write that may lead here

    def _disable_watchdog(self) -> None:
        self.device.mcu.watchdog.write_uint32(_WATCHDOG_CTRL, _WATCHDOG_CTRL_AT_RESET)

    def _stop(self, *_: object) -> None:
        self.device.simulator.stopped = True

    def _run_until_stopped(self, limit_s: float, what: str) -> None:
        simulator = self.device.simulator
        end = self.seconds + limit_s
        simulator.stopped = False
        while not simulator.stopped:
            self.step()
            if self.seconds > end:
                raise PicoError(f"{what} within {limit_s:g} s of the board's time")


class Line:
    """The host's end of the console: it answers the board's reads only when it has bytes.

    rp2040py by itself answers each at once, with nothing if need be: 24,000 interrupts a second,
    which take most of the board's time.
    """

    def __init__(self, device: BaseDevice):
        self._typed = device.cdc.tx_fifo
        answer = device.mcu.usb_ctrl.on_endpoint_read
        assert answer is not None  # USBCDC set it
        self._answer = answer
        self._waiting: dict[int, int] = {}
        device.mcu.usb_ctrl.on_endpoint_read = self._read
        reset = device.mcu.usb_ctrl.on_reset
        assert reset is not None
        self._reset = reset
        device.mcu.usb_ctrl.on_reset = self._gone

    def _gone(self) -> None:
        """The board left the bus: what it asked for, it asks for anew."""
        self._waiting.clear()
        self._reset()

    def _read(self, endpoint: int, size: int) -> None:
        if endpoint and self._typed.empty:
            self._waiting[endpoint] = size
        else:
            self._answer(endpoint, size)

    def send(self) -> None:
        """Answer the read that waits, if there is something to say."""
        while self._waiting and not self._typed.empty:
            self._answer(*self._waiting.popitem())


class _RawRepl(RawReplRunner):
    """One script through the raw REPL, fed by an alarm on the board's clock."""

    def __init__(self, device: BaseDevice, line: Line, source: bytes, done, failed):
        super().__init__(device.cdc, source, on_result=done, on_error=failed)
        self._line = line
        self._alarm = device.simulator.clock.create_alarm(self._feed_board)

    def begin(self) -> None:
        self._cdc.on_serial_data = self._feed_safe
        for key in (3, 3, 1):  # Ctrl-C, Ctrl-C, Ctrl-A
            self._cdc.send_serial_byte(key)
        self._alarm.schedule(_FEED_NANOS)

    def end(self) -> None:
        self._alarm.cancel()
        self._cdc.on_serial_data = None

    @property
    def reply(self) -> tuple[bytes, bytes]:
        """(printed, traceback)."""
        if self.result is None:
            raise RawReplError("no answer")
        return self.result

    def _feed_board(self) -> None:
        self.pump()
        self._line.send()
        self._alarm.schedule(_FEED_NANOS)
