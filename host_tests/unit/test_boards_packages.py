# SPDX-License-Identifier: Apache-2.0
"""Other ways onto a board: `mpremote mip install`, and frozen into an image by the manifest."""

import functools
import http.server
import re
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
from mpremote import mip
from mpremote.transport_serial import SerialTransport

from host_tests.micropython import wasm
from host_tests.micropython.served import Served
from tools.mpy import ROOT, board_files

# this build's errno is WebAssembly's: a board says 2 for a file that is not there
_ERRNO = """
import os
_stat = os.stat
def stat(path):
    try:
        return _stat(path)
    except OSError:
        raise OSError(2)
os.stat = stat
"""


class _InBigPieces(SerialTransport):
    """mpremote's transport; 256 bytes at a time only take longer."""

    def fs_writefile(self, dest, data, chunk_size=256, progress_callback=None):
        super().fs_writefile(dest, data, 16384)


class _Files(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.mark.skipif(wasm.missing() is not None, reason=str(wasm.missing()))
def test_mip_installs_the_library_from_package_json(capsys):
    handler = functools.partial(_Files, directory=str(ROOT))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}/package.json"
    try:
        with Served(_ERRNO) as served:
            board = _InBigPieces(served.url, timeout=30)
            board.enter_raw_repl()
            state = SimpleNamespace(
                transport=board, did_action=lambda: None, ensure_raw_repl=lambda: None
            )
            mip.do_mip(state, SimpleNamespace(
                command=["install"], packages=[url], index=None, target="/lib", mpy=None
            ))  # fmt: skip
            scores = board.exec(
                "from tocsin.config.schema import is_id\n"
                "from tocsin.kernels import BACKEND, rfft\n"
                "print(is_id('abc'), BACKEND, callable(rfft))\n"
            )
            there = board.fs_readfile("/lib/tocsin/monitor/alarm.py", chunk_size=16384)
            board.close()
    finally:
        server.shutdown()
        server.server_close()
    assert scores.split() == [b"True", b"reference", b"True"]
    assert there == (ROOT / "lib/tocsin/monitor/alarm.py").read_bytes()
    assert "Done" in capsys.readouterr().out


class _Manifest:
    """The words of a MicroPython manifest that ours uses; collects what is frozen."""

    def __init__(self, path: Path, **options: str):
        self.frozen: dict[str, Path] = {}
        self._folder = path.parent
        words = {"options": _Options(options), "freeze_mpy": self._freeze_mpy}
        exec(compile(path.read_text(), str(path), "exec"), words)

    def _freeze_mpy(self, path, script=None):
        base = (self._folder / path).resolve()
        for file in sorted((base / (script or ".")).rglob("*.mpy")):
            self.frozen[file.relative_to(base).as_posix()] = file


class _Options:
    def __init__(self, given):
        self._given = given

    def defaults(self, **values):
        self.__dict__.update(values, **self._given)


@pytest.mark.parametrize("arch", ["armv6m", "xtensawin"])
def test_the_manifest_freezes_every_module_under_its_own_name(arch):
    tree = board_files(arch)
    frozen = _Manifest(ROOT / "firmware" / "manifest.py", arch=arch).frozen
    sources = {re.sub(r"^lib/", "", p.relative_to(tree).as_posix()) for p in tree.rglob("*.mpy")}
    assert set(frozen) == sources
    assert {"firmware/app.mpy", "tocsin/kernels/reference_fft.mpy"} <= set(frozen)
    assert any(name.startswith(f"tocsin/kernels/{arch}/") for name in frozen)
    assert not any(Path(name).stem in ("manifest", "boot", "main") for name in frozen)


def test_the_manifest_is_not_put_on_boards():
    assert not list(board_files("armv6m").rglob("manifest.*"))
