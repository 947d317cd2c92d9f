# SPDX-License-Identifier: Apache-2.0
"""Two backends on one board: measured once and kept, or fixed by the board file; same alarms."""

import errno
import importlib
import json
import subprocess
import sys
from types import ModuleType

import numpy as np
import pytest

import tocsin.kernels
from firmware.store import Store
from tools import loaded
from tools.datasets import Channel
from tools.emulator import standin_ulab
from tools.emulator.deploy import PROJECT, deploy
from tools.replay_file import encode

VIPER_US, FASTER_US, SLOWER_US = 900, 200, 1500
ARMV7EMSP = 7


class Clock:
    """Microseconds that wrap at 2**30, soon; each FFT lets some pass."""

    def __init__(self):
        self.us = (1 << 30) - 500

    def spend(self, us):
        self.us += us

    def ticks_us(self):
        return self.us % (1 << 30)


class Log:
    def __init__(self):
        self.lines = []

    def add(self, level, text):
        self.lines.append((level, text))

    def text(self):
        return " | ".join(text for _, text in self.lines)


class Disk:
    """`os` and files in memory, as far as `Store` needs them."""

    def __init__(self, folder):
        import os

        self.folder = folder
        self.stat, self._rename = os.stat, os.replace
        self.full = False

    def rename(self, old, new):
        if self.full:
            raise OSError(errno.ENOSPC, "no space")
        self._rename(old, new)

    def store(self):
        return Store(self, str(self.folder) + "/")


@pytest.fixture
def board(monkeypatch, tmp_path):
    """boot(ulab_us, ..): a boot of a board with an FPU and ulab; returns (backend, log).

    Its native backend is one viper module without kernels, so they come from the reference.
    """
    disk = Disk(tmp_path)
    parent, own = sys.modules["tocsin"], tocsin.kernels
    kept = {n: m for n, m in sys.modules.items()
            if n.startswith("tocsin.kernels") or n == "firmware.backend"}

    def forget():
        for name in list(sys.modules):
            if name.startswith("tocsin.kernels") or name == "firmware.backend":
                del sys.modules[name]

    def boot(ulab_us, version="3.4.0; MicroPython v1.28.0", use=None, broken=None):
        forget()
        clock, log = Clock(), Log()
        modules = standin_ulab.build(spend=lambda: clock.spend(ulab_us))
        for name, module in modules.items():
            monkeypatch.setitem(sys.modules, name, module)
        monkeypatch.setattr(sys.implementation, "_mpy", ARMV7EMSP << 10 | 0x306, raising=False)
        monkeypatch.setattr(sys, "version", version)
        sys.modules["tocsin.kernels.viper_time"] = ModuleType("tocsin.kernels.viper_time")
        kernels = importlib.import_module("tocsin.kernels")
        assert kernels.CANDIDATES == ("viper", "ulab")
        fft = importlib.import_module("tocsin.kernels.reference_fft")
        level = fft.level

        def timed(*arguments):
            clock.spend(VIPER_US)
            return level(*arguments)

        fft.level = timed
        if broken:
            importlib.import_module("tocsin.kernels.ulab").spectrum = broken
        if use:
            getattr(kernels, use)
        importlib.import_module("firmware.backend").settle(disk.store(), clock, log)
        return kernels.BACKEND, log.text()

    boot.disk = disk
    yield boot
    forget()
    sys.modules.update(kept)
    parent.kernels = own


@pytest.mark.parametrize(
    ("ulab_us", "expected"),
    ((FASTER_US, "ulab"), (SLOWER_US, "viper"), (VIPER_US, "viper")),
)
def test_the_faster_one_is_taken_and_on_a_tie_the_exact_one(board, ulab_us, expected):
    backend, log = board(ulab_us)
    assert backend == expected
    assert log == f"kernels: {expected} (viper {VIPER_US} us, ulab {ulab_us} us)"


def test_times_are_kept_and_not_measured_again(board):
    assert board(FASTER_US)[0] == "ulab"
    backend, log = board(SLOWER_US)
    assert backend == "ulab"
    assert f"ulab {FASTER_US} us" in log


@pytest.mark.parametrize("change", ("firmware", "library", "candidates"))
def test_an_update_measures_again(board, monkeypatch, change):
    board(FASTER_US)
    path = board.disk.folder / "backend.json"
    kept = json.loads(path.read_text())
    assert kept["us"] == {"viper": VIPER_US, "ulab": FASTER_US}
    if change == "library":
        monkeypatch.setattr(tocsin, "__version__", "99.0.0")
    elif change == "candidates":
        kept["us"]["thumb"] = kept["us"].pop("viper")
        path.write_text(json.dumps(kept))
    version = "3.4.0; MicroPython v1.29.0" if change == "firmware" else sys.version
    backend, _ = board(SLOWER_US, version=version)
    assert backend == "viper"
    assert json.loads(path.read_text())["us"]["ulab"] == SLOWER_US


@pytest.mark.parametrize(
    "data",
    (b"", b"\xff\xfe\x00", b"{", b"[1]", b"{}", b'{"us": 3}', b"5" * 5000, b"[" * 3000,
     b'{"runtime": "R", "us": {"viper": 1, "ulab": "x"}}',
     b'{"runtime": "R", "us": {"viper": 1, "ulab": null}}',
     b'{"runtime": "R", "us": {"viper": 1, "ulab": true}}',
     b'{"runtime": "R", "us": {"viper": 1}}'),
)  # fmt: skip
def test_a_damaged_file_measures_again(board, data):
    board(SLOWER_US)
    path = board.disk.folder / "backend.json"
    runtime = json.loads(path.read_text())["runtime"]
    path.write_bytes(data.replace(b'"R"', json.dumps(runtime).encode()))
    backend, log = board(FASTER_US)
    assert backend == "ulab"
    assert f"ulab {FASTER_US} us" in log
    assert json.loads(path.read_text())["us"]["ulab"] == FASTER_US


def test_a_file_system_that_cannot_be_written_measures_each_time(board):
    board.disk.full = True
    backend, log = board(FASTER_US)
    assert backend == "ulab"
    assert "backend.json not written" in log
    assert board(SLOWER_US)[0] == "viper"


def test_the_board_file_decides_without_a_measurement(board):
    path = board.disk.folder / "board.json"
    path.write_text('{"backend": "native"}')
    assert board(FASTER_US)[0] == "viper"
    path.write_text('{"backend": "ulab"}')
    assert board(SLOWER_US)[0] == "ulab"
    assert not (board.disk.folder / "backend.json").exists()


@pytest.mark.parametrize("text", ('{"backend": "thumb"}', '{"backend": 7}', '{"backend": []}',
                                  '{"backend": null}', "nonsense"))
def test_a_board_file_that_does_not_decide_leaves_it_to_the_clock(board, text):
    (board.disk.folder / "board.json").write_text(text)
    backend, log = board(FASTER_US)
    assert backend == "ulab"
    assert ("board file: backend" in log) is ("null" not in text and "backend" in text)


def fails(*arguments):
    raise MemoryError("no heap")


def silent(frame, window, plan, work):
    return 0


@pytest.mark.parametrize("broken", (fails, silent))
def test_a_backend_that_fails_or_computes_something_else_is_not_taken(board, broken):
    """Nor is that kept: the next boot may be luckier."""
    backend, log = board(FASTER_US, broken=broken)
    assert backend == "viper"
    assert "ulab not usable" in log
    assert not (board.disk.folder / "backend.json").exists()
    assert board(FASTER_US)[0] == "ulab"


def test_a_kernel_in_use_keeps_its_backend(board):
    backend, log = board(FASTER_US, use="make_work")
    assert backend == "viper"
    assert "make_work of viper is in use" in log


def recording(conf) -> bytes:
    """Noise as the model knows it, then seven times as much of it."""
    frames = loaded._frames(conf)[:60].copy()
    frames[30:] = ((frames[30:].astype(int) - 500) * 7 + 500).clip(-32000, 32000).astype(np.int16)
    channels = [Channel(c["name"], c["unit"], c["scale"], c["offset"]) for c in conf["channels"]]
    return encode(channels, 1 / loaded.FACTS["vibration"]["rate_hz"], frames, None)


@pytest.fixture(scope="module")
def model():
    return loaded.bundle("vibration", "mlp")


def play(folder, model, backend):
    """Alarms and log of an emulated board whose file decides, or, for None, the clock."""
    conf, data = model
    config = loaded.device_config("vibration", conf)
    config["alarms"]["score_high"]["delay_s"] = 0
    root = deploy(folder / "board", config, {"main.tcb": data}, board="rpi_pico")
    board_file = json.loads((root / "board.json").read_text())
    assert board_file["backend"] is None
    (root / "board.json").write_text(json.dumps({**board_file, "backend": backend}))
    for group in ("time", "fft", "spectral"):
        native = root / "lib" / "tocsin" / "kernels" / f"viper_{group}.py"
        native.write_text(f"from tocsin.kernels.reference_{group} import *\n")
    (root / "recording.trec").write_bytes(recording(conf))
    spec = folder / "spec.json"
    spec.write_text(json.dumps({"name": "motor", "end_s": 60, "utc": 1_767_225_600,
                                "arch": ARMV7EMSP, "ulab": True, "ulab_us": 300}))
    done = subprocess.run([sys.executable, "-m", "tools.emulator.board", str(root), str(spec)],
                          capture_output=True, text=True, cwd=PROJECT, check=True)
    events = [json.loads(line) for line in done.stdout.splitlines()]
    lines = (root / "records.jsonl").read_text().splitlines()
    alarms = [r for r in map(json.loads, lines) if r["kind"] == "alarm"]
    told = " ".join(event.get("text", "") for event in events)
    return [(r["rule"], r["events"], r["up_s"]) for r in alarms], told


def test_alarms_do_not_change_with_the_backend(tmp_path, model):
    results = {}
    for name in ("ulab", "native", None):
        folder = tmp_path / str(name)
        folder.mkdir()
        results[name], told = play(folder, model, name)
        expected = {"ulab": "kernels: ulab, as", "native": "kernels: viper, as",
                    None: "kernels: viper (viper 0 us, ulab 300 us)"}[name]
        assert expected in told
        assert "refused" not in told
    assert results["ulab"] == results["native"] == results[None]
    assert any("alarm_on" in events or "alarm" in " ".join(events)
               for _, events, _ in results["ulab"])
