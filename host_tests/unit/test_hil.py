# SPDX-License-Identifier: Apache-2.0
"""The parts of `make test-board` that need no board: its deployment, backup and prompt against
real MicroPython on a socket, its probe on an emulated board."""

import json
import shutil
import socket
import subprocess
import sys

import pytest

from host_tests.hil import backup, rig, stages, subject
from host_tests.micropython import wasm
from host_tests.micropython.served import Served
from host_tests.unit.boards_rig import pico
from tools.boards.errors import BoardError
from tools.emulator.deploy import PROJECT, deploy

needs_micropython = pytest.mark.skipif(wasm.missing() is not None, reason=str(wasm.missing()))
FILES = {"/config.json": b'{"mine": 1}', "/models/mine.tcb": bytes(range(256)) * 9}


@pytest.fixture(scope="module")
def things(tmp_path_factory):
    folder = tmp_path_factory.mktemp("subject")
    return stages.Things(subject.build(folder), subject.bench(folder),
                         [rig.compiled(rig.PROBE, folder)])  # fmt: skip


@pytest.fixture
def board():
    with Served(pico()) as served:
        yield rig.Rig(served.url, "rpi_pico", 60)


def put(board, files):
    with board.prompt() as link:
        for path, data in files.items():
            backup.write(link, path, data)


def there(board):
    with board.prompt() as link:
        return {path: backup.read(link, path) for path in backup.files(link)}


@needs_micropython
def test_the_board_says_what_it_is(board):
    assert rig.detect(board.port, 60) == "rpi_pico"


@needs_micropython
def test_a_board_that_is_none_of_ours_is_named():
    said = "Odd board with RP2040 is none of esp32, .*--board"
    with Served(pico(machine="Odd board with RP2040", build="ODD")) as served, \
            pytest.raises(rig.HilError, match=said):  # fmt: skip
        rig.detect(served.url, 60)


@needs_micropython
def test_a_deployment_and_its_repetition(board, things):
    once, again = stages.deploy(board, things)
    assert set(again["files"]) == set() and again["sent_bytes"] == 0
    assert {"/firmware/app.mpy", "/config.json", "/hil_probe.mpy", "/hil_failing.trec",
            "/models/hil.tcb", "/models/bench.tcb"} <= set(once["files"])  # fmt: skip
    found = there(board)
    assert found["/main.py"].decode() == rig.MAIN
    assert found["/hil_main.py"] == (PROJECT / "main.py").read_bytes()
    board.remove_probe()
    found = there(board)
    assert found["/main.py"] == (PROJECT / "main.py").read_bytes()
    assert "/hil_main.py" not in found


@needs_micropython
def test_what_the_board_held_is_kept_and_put_back(board, tmp_path):
    put(board, FILES)
    before = there(board)
    folder = backup.folder_of(tmp_path, board.port)
    assert backup.save(board, folder) == len(before)
    backup.clear(board)
    assert there(board) == {}
    put(board, {"/main.py": b"print()\n", "/hil_main.py": b"print(1)\n", "/config.json": b"{}",
                "/log.txt": b"of the suite\n"})  # fmt: skip
    backup.restore(board, folder)
    assert there(board) == {**before, "/main.py": b"print(1)\n"}
    assert not folder.exists()


@needs_micropython
def test_a_backup_that_was_not_put_back_is_never_overwritten(board, tmp_path):
    put(board, FILES)
    folder = backup.folder_of(tmp_path, board.port)
    backup.save(board, folder)
    with pytest.raises(rig.HilError, match=f"python -m host_tests.hil.backup {folder} socket:"):
        backup.save(board, folder)
    (folder / ".complete").unlink()
    with pytest.raises(rig.HilError, match="no complete backup; nothing was changed"):
        backup.restore(board, folder)
    assert there(board) == FILES


@needs_micropython
def test_the_real_mpremote_finds_what_is_in_memory(board):
    with board.prompt() as link:
        link.run("answer = 42\n")
    done = board.mpremote("exec", "print(answer)")
    assert done.returncode == 0 and done.stdout.strip() == "42", done.stderr


def test_a_port_where_nothing_is_takes_one_line(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        free = server.getsockname()[1]
    port = f"socket://127.0.0.1:{free}"
    for work in (lambda: rig.detect(port, 1), rig.Rig(port, "rpi_pico", 1).interrupt):
        with pytest.raises(rig.HilError) as caught:
            rig.plain(work)
        assert port in str(caught.value) and "\n" not in str(caught.value)


def test_a_board_that_does_not_answer_takes_one_line():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = f"socket://127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(rig.HilError, match="waited for '>>> ', the board said 'nothing'"):
            rig.Rig(port, "rpi_pico", 0.5).interrupt()
        with pytest.raises((rig.HilError, BoardError), match="no MicroPython prompt"):
            rig.detect(port, 0.5)


def test_nothing_is_collected_without_a_port():
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "host_tests/hil"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert "no tests collected" in done.stdout, done.stdout


@pytest.fixture(scope="module")
def typed(things, tmp_path_factory):
    """What the probe says after a session on an emulated board, in virtual time."""
    folder = tmp_path_factory.mktemp("board")
    config = things.subject.config
    failing = {"driver": "replay", "file": subject.FAILING}
    config = {**config, "pipelines": {"main": {**config["pipelines"]["main"], "sensor": failing}}}
    root = deploy(folder / "root", config, {subject.MODEL: things.subject.model}, board="rpi_pico")
    for path in things.subject.recordings:
        shutil.copy(path, root)
    shutil.copy(rig.PROBE, root)
    (root / "main.py").rename(root / "hil_main.py")
    (root / "main.py").write_text(rig.MAIN)
    keys = [[4, "#1 status\r"], [4.5, f"#2 set alarms.{subject.ALARM}.limit 6.5\r"],
            [5, "#3 nonsense\r"], [6, "\x03"], [7, "import hil_probe\r"],
            [7.5, "hil_probe.report()\r"],
            [8, "hil_probe.tail('/records.jsonl', 'start', 1)\r"]]  # fmt: skip
    spec = folder / "spec.json"
    spec.write_text(json.dumps({"end_s": 9, "serial": {"keys": keys}}))
    done = subprocess.run([sys.executable, "-m", "tools.emulator.board", str(root), str(spec)],
                          capture_output=True, text=True, cwd=PROJECT, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    return [(e["t"], e["text"]) for e in events if e["kind"] == "console"]


def probe(typed):
    return next(json.loads(text) for _, text in typed if '"first_ms": ' in text)


def test_the_probe_sees_the_first_decision(typed):
    first = probe(typed)["first_ms"]
    assert subject.WINDOW_MS <= first <= subject.WINDOW_MS + 10
    told = [t for t, text in typed if text.startswith(rig.DECIDED)]
    assert told[0] == pytest.approx(first / 1000, abs=0.02)
    assert told[-1] <= 4, "it falls silent once somebody types"


def test_the_probe_takes_the_time_of_each_answer(typed):
    answers = probe(typed)["answers"]
    assert len(answers) == 3, "status, set, and an error"
    for first, last in answers:
        assert 0 <= first <= last <= 200


def test_the_probe_sees_the_alarm_after_its_delay(typed):
    changes = probe(typed)["changes"]
    [raised] = [t for t, name, mask in changes if name == subject.ALARM and mask & 2]
    onset = subject.FAULT_WINDOW * subject.WINDOW_MS
    delay = 1000 * subject.DELAY_S
    assert onset + delay < raised <= onset + delay + 2 * subject.WINDOW_MS


def test_the_probe_finds_the_start_record(typed):
    [start] = [json.loads(text) for _, text in typed if '"kind":"start"' in text]
    assert start["problems"] == []
