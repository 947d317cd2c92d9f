# SPDX-License-Identifier: Apache-2.0
"""PORT=emulated: a Pico or Pico W in rp2040py, started for the suite and forgotten afterwards.

Sending everything to an emulated board takes minutes, so it comes with most of the
firmware and the library in its flash, as after an earlier deployment that broke off; `--bare`
starts with an empty one.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from rp2040py.boards import BOARDS, resolve_layout

from host_tests.hil.rig import HilError
from tools.boards import config, files
from tools.emulator import serve_pico
from tools.emulator.pico import file_system, image_from_environment

VARIABLES = {"rpi_pico": "MICROPYTHON_UF2", "rpi_pico_w": "MICROPYTHON_UF2_W"}
LEFT_OUT = (
    files.BOOT, files.MAIN, files.MANIFEST, "/firmware/app.mpy", "/firmware/pipeline.mpy",
    "/lib/tocsin/monitor/alarm.mpy", "/lib/tocsin/kernels/armv6m/thumb_fft.mpy",
)


@contextlib.contextmanager
def start(board: str, bare: bool = False) -> Iterator[str]:
    """The board's port. Raises HilError when there is no image for it."""
    variable = VARIABLES.get(board)
    if variable is None:
        raise HilError(f"{board} cannot be emulated; these can: {', '.join(VARIABLES)}")
    image = image_from_environment(variable)
    if image is None:
        raise HilError(f"set {variable} to a MicroPython UF2 image for {board}")
    with tempfile.TemporaryDirectory() as folder:
        flash = Path(folder) / "flash.img"
        if not bare:
            flash.write_bytes(_earlier(board))
        try:
            served = serve_pico.serve(board, image, flash, chips=[])
        except serve_pico.ServeError as error:
            raise HilError(str(error)) from None
        with served:
            yield served.url


def _earlier(board: str) -> bytes:
    """A file system with the program of this checkout but for LEFT_OUT."""
    layout = resolve_layout(BOARDS[serve_pico.emulated(board)], "micropython")
    assert layout is not None
    there = files.program(config.load(board))
    return file_system({p: d for p, d in there.items() if p not in LEFT_OUT}, layout)
