# SPDX-License-Identifier: Apache-2.0
"""`make emulate BOARD=rpi_pico_w`: an emulated board that `tocsin deploy` and the console talk to.

    python -m tools.emulator.emulate BOARD [--port N] [--image FILE] [-- OPTIONS OF tocsin deploy]

Boots a real MicroPython image, deploys what has changed through socket://127.0.0.1:N, and shows
the console; where there is no terminal it says what to type in another one, and runs until Ctrl-C.
The board's flash is kept in build/emulate/BOARD.img.
"""

import argparse
import os
import signal
import sys
import threading
from pathlib import Path

from littlefs import LittleFSError

from tools.boards import config, images
from tools.boards.errors import BoardError
from tools.emulator.pico import PicoError, image_from_environment, layout_of, read_stored
from tools.emulator.serve_pico import Served, ServeError, emulated, serve

FOLDER = Path(__file__).resolve().parents[2] / "build" / "emulate"
VARIABLES = {"pico": "MICROPYTHON_UF2", "pico_w": "MICROPYTHON_UF2_W"}
_DOWNLOAD = "1.26.1"
_SILENT_S = "120"  # a board that is emulated slowly may be silent for so long
_BAD_INPUT = 2


def image_for(board: str) -> Path:
    """The image that the board's variable names, or rp2040py's download. Raises ServeError."""
    kind = emulated(board)
    named = image_from_environment(VARIABLES[kind])
    if named is not None:
        return named
    from rp2040py.boards import BOARDS, resolve_firmware

    try:
        found = resolve_firmware(BOARDS[kind], "micropython", _DOWNLOAD).image
    except OSError:
        found = None
    if found is None:
        raise ServeError(
            f"no MicroPython image: set {VARIABLES[kind]} to a UF2 file (without internet "
            f"MicroPython {_DOWNLOAD} cannot be downloaded)"
        )
    return Path(found)


def start(board: str, port: int, image: Path | None) -> Served:
    """The board, switched on. Raises ServeError, PicoError, BoardError."""
    emulated(board)
    image = image or image_for(board)
    images.read(image, config.load(board))
    return serve(board, image, FOLDER / f"{board}.img", port)


def configured(board: str) -> bool:
    """Whether there is a configuration on the flash of the last time."""
    try:
        content = (FOLDER / f"{board}.img").read_bytes()
        return bool(read_stored(content, layout_of(emulated(board)), "/config.json"))
    except (OSError, LittleFSError):
        return False


def deploy(board: str, url: str, options: list[str], fresh: bool) -> int:
    """`tocsin deploy`; a board that has no configuration yet gets the cold chain's."""
    from tools import cli

    chooses = any(option.split("=")[0] in ("--template", "--config") for option in options)
    first = ["--template", "cold_chain"] if fresh and not chooses else []
    return cli.main(["deploy", board, url, "--timeout", _SILENT_S, *first, *options])


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="make emulate", description="An emulated board with a real MicroPython image."
    )
    parser.add_argument("board", help="rpi_pico or rpi_pico_w")
    parser.add_argument("--port", type=int, default=0, help="TCP port; default: a free one")
    parser.add_argument("--image", type=Path, help="UF2 file; default: see README.md")
    parser.add_argument("options", nargs="*", help="of tocsin deploy")
    chosen = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, _interrupted)
    try:
        fresh = not configured(chosen.board)
        with start(chosen.board, chosen.port, chosen.image) as served:
            _say(f"{config.load(chosen.board).name} on {served.url}")
            failed = deploy(chosen.board, served.url, chosen.options, fresh)
            if failed:
                return failed
            _work(served)
    except KeyboardInterrupt:
        _say("switched off; its flash is kept")
    except (ServeError, PicoError, BoardError) as error:
        print(f"make emulate: {error}", file=sys.stderr)
        return _BAD_INPUT
    return 0


def _work(served: Served) -> None:
    """The console, or how to open one."""
    if sys.stdin.isatty() and sys.stdout.isatty():
        from tools.console import console

        console(served.url)
        return
    tocsin = os.path.join(os.path.dirname(sys.executable), "tocsin")
    _say(f"in another terminal: {tocsin} console {served.url}")
    _say(f"or Python on the board: mpremote connect {served.url}")
    while served.running:
        threading.Event().wait(0.5)
    raise ServeError("the emulated board has stopped")


def _say(text: str) -> None:
    print(text, flush=True)


def _interrupted(*_: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
