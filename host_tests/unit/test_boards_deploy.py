# SPDX-License-Identifier: Apache-2.0
"""`tocsin deploy` against real MicroPython on a socket: changes, refusals, cut lines."""

import json
import socket
import threading

import pytest

from host_tests.micropython import wasm
from host_tests.micropython.served import Cable, Served
from host_tests.unit.boards_rig import PICO, content, on_board, pico
from tools import cli
from tools.boards import deploy, files
from tools.boards.errors import BoardError, LinkLost, WrongBoard
from tools.boards.link import Link, ScriptFailed

needs_micropython = pytest.mark.skipif(wasm.missing() is not None, reason=str(wasm.missing()))
pytestmark = needs_micropython
_CUTS = 11
_OWN = ("/deploy.part", "/deploy.pack", "/deploy.boot")


def quiet(what, steps):
    pass


def run(url, wanted):
    """One deployment, as the command does it."""
    link = Link(url)
    try:
        plan = deploy.plan_for(link, PICO, wanted)
        return plan if plan.nothing else deploy.carry_out(link, plan, quiet).plan
    finally:
        link.close()


@pytest.fixture(scope="module")
def board():
    with Served(pico()) as served:
        yield served


def test_the_board_has_what_was_wanted_and_nothing_is_sent_twice(board):
    wanted = content("first")
    assert len(run(board.url, wanted).changed) == len(wanted.program)
    assert on_board(board.url) == wanted.ordered()
    assert run(board.url, wanted).nothing


def test_only_what_changed_is_sent_and_boot_py_comes_last(board):
    run(board.url, content("base"))
    wanted = content("base", added=b"x = 1\n")
    plan = run(board.url, wanted)
    assert list(plan.changed) == ["/deploy.json", "/lib/tocsin/added.py", "/boot.py"]
    assert on_board(board.url) == wanted.ordered()


def test_stale_files_and_shadows_go_and_the_users_files_stay(board):
    run(board.url, content("base", old=b"x = 1\n"))
    link = Link(board.url)
    link.run(
        "for path in ('/firmware/app.mpy', '/lib/tocsin/mine.py', '/config.json', '/log.txt'):\n"
        " with open(path, 'w') as file: print(file.write('mine'))\n"
    )
    link.close()
    wanted = content("base")
    assert run(board.url, wanted).gone == ["/firmware/app.mpy", "/lib/tocsin/old.py"]
    kept = {"/lib/tocsin/mine.py", "/config.json", "/log.txt"}
    assert set(on_board(board.url)) == set(wanted.ordered()) | kept
    link = Link(board.url)
    link.run("".join(f"os.remove({path!r})\n" for path in sorted(kept)).join(["import os\n", ""]))
    link.close()


def test_a_file_changed_behind_our_back_is_put_right(board):
    wanted = content("base")
    run(board.url, wanted)
    link = Link(board.url)
    link.run("with open('/firmware/app.py', 'a') as file: file.write('#')\n")
    link.close()
    assert "/firmware/app.py" in run(board.url, wanted).changed
    assert on_board(board.url) == wanted.ordered()


def test_data_files_go_along_and_a_missing_model_is_named(board, tmp_path):
    bundle = tmp_path / "pump.tcb"
    bundle.write_bytes(bytes(range(256)) * 99)
    config = {
        "version": 1,
        "device": {"id": "p1", "board": "rpi_pico"},
        "pipelines": {"main": {"sensor": {"driver": "sht31"}, "model": "pump.tcb"}},
        "alarms": {"score_high": {"source": "main.score", "side": "high", "limit": 1}},
    }
    path = tmp_path / "any.json"
    path.write_text(json.dumps(config))
    program = content("base").program
    with pytest.raises(WrongBoard, match="--model pump.tcb"):
        run(board.url, files.Content(program, files.data(PICO, path, [], [])))
    wanted = files.Content(program, files.data(PICO, path, [bundle], []))
    run(board.url, wanted)
    there = on_board(board.url)
    assert there["/models/pump.tcb"] == bundle.read_bytes()
    assert json.loads(there["/config.json"]) == config
    alone = files.Content(program, files.data(PICO, path, [], []))
    assert run(board.url, alone).nothing, "the model is there already"


def test_a_generated_module_goes_when_its_bundle_is_another(board, tmp_path):
    bundle, module = tmp_path / "fan.tcb", tmp_path / "fan.mpy"
    bundle.write_bytes(b"old")
    module.write_bytes(b"made for old")
    program = content("base").program
    run(board.url, files.Content(program, files.data(PICO, None, [bundle, module], [])))
    assert run(board.url, files.Content(program, files.data(PICO, None, [bundle], []))).nothing
    bundle.write_bytes(b"new")
    plan = run(board.url, files.Content(program, files.data(PICO, None, [bundle], [])))
    assert plan.gone == ["/models/fan.mpy"]
    there = on_board(board.url)
    assert there["/models/fan.tcb"] == b"new" and "/models/fan.mpy" not in there


_SEVERAL = {"driver": "several", "sensors": [{"driver": "sht31"}, {"driver": "x"}]}


@pytest.mark.parametrize("sensor", [{"driver": "sht13"}, _SEVERAL])
def test_a_driver_that_is_not_there_is_named(board, tmp_path, sensor):
    config = {
        "version": 1,
        "device": {"id": "p1"},
        "pipelines": {"main": {"sensor": sensor}},
        "alarms": {"high": {"source": "main.temperature", "side": "high", "limit": 8}},
    }
    path = tmp_path / "any.json"
    path.write_text(json.dumps(config))
    program = {**content("base").program, "/firmware/drivers/several.py": b""}
    wanted = files.Content(program, files.data(PICO, path, [], []))
    name = "sht13" if sensor["driver"] == "sht13" else "x"
    with pytest.raises(WrongBoard, match=f"driver {name}; there are several, sht31"):
        run(board.url, wanted)
    link = Link(board.url)
    link.run(f"with open('/firmware/drivers/{name}.py', 'w') as file: file.write('# mine')\n")
    link.close()
    run(board.url, wanted)
    link = Link(board.url)
    link.run(f"import os\nos.remove('/firmware/drivers/{name}.py')\nos.remove('/config.json')\n")
    link.close()


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"arch": 10}, "this MicroPython is for xtensawin, Raspberry Pi Pico is armv6m"),
        ({"version": (1, 23, 0)}, "MicroPython 1.23.0 is too old, 1.24 or newer is needed"),
        ({"abi": (6, 2)}, "version 6.2, ours are 6.3"),
        ({"file_system": "FAT"}, "the file system is FAT, not littlefs"),
        ({"platform": "esp32", "machine": "Generic ESP32 module"}, "this is Generic ESP32 module"),
        (
            {"machine": "Raspberry Pi Pico W with RP2040", "build": "RPI_PICO_W"},
            r"this is Raspberry Pi Pico W with RP2040 \(RPI_PICO_W\), not Raspberry Pi Pico \(",
        ),
        ({"free": 9}, "the file system is too full: .* KB needed, 36 KB of 1408 KB free"),
    ],
)
def test_refused_before_anything_is_written(fault, message):
    with Served(pico(**fault)) as served:
        with pytest.raises(WrongBoard, match=message) as caught:
            run(served.url, content("one"))
        assert "\n" not in str(caught.value)
        assert on_board(served.url) == {}


def test_older_images_without_a_build_name_are_told_by_their_machine():
    with Served(pico(build="")) as served:
        run(served.url, content("one"))
        assert on_board(served.url) == content("one").ordered()


def state_of(url):
    """What a board would boot into: its files, without those of a deployment under way."""
    return {path: data for path, data in on_board(url).items() if path not in _OWN}


def test_cut_anywhere_and_powered_off_it_is_the_old_or_the_new_board():
    """The two programs take turns, so every cut is on the way from one to the other."""
    old, new = content("old", gone=b"x = 1\n"), content("new", added=b"y = 2\n")
    with Served(pico(), power_cycle=True) as served:
        run(served.url, new)
        with Cable(served.port) as whole:
            run(whole.url, old)
            total = whole.passed
        seen = set()
        for cut in [total * k // _CUTS + k for k in range(1, _CUTS)]:
            with Cable(served.port, cut) as cable, pytest.raises(LinkLost):
                run(cable.url, new)
            state = state_of(served.url)
            assert state in (old.ordered(), new.ordered()), f"cut after {cut} bytes"
            seen.add(state == new.ordered())
            run(served.url, new)
            assert on_board(served.url) == new.ordered(), f"repeated after {cut} bytes"
            old, new = new, old
    assert seen == {True, False}


def test_a_second_attempt_goes_on_where_the_first_one_stopped():
    import random

    noise = random.Random(1).randbytes(20000)
    wanted = content("one", noise=noise)
    with Served(pico()) as served:
        with Cable(served.port, 30000) as cable, pytest.raises(LinkLost, match="goes on where"):
            run(cable.url, wanted)
        link = Link(served.url)
        done = deploy.carry_out(link, deploy.plan_for(link, PICO, wanted), quiet)
        link.close()
        assert done.resumed > 8000 and done.resumed + done.sent == len(done.plan.pack)
        assert on_board(served.url) == wanted.ordered()


def test_a_foreign_beginning_is_not_continued():
    wanted = content("one")
    with Served(pico()) as served:
        link = Link(served.url)
        link.run("with open('/deploy.part', 'w') as file: file.write('x' * 500)\n")
        done = deploy.carry_out(link, deploy.plan_for(link, PICO, wanted), quiet)
        link.close()
        assert done.resumed == 0
        assert on_board(served.url) == wanted.ordered()


def test_flash_that_returns_other_bytes_is_noticed_before_anything_changes():
    spoilt = pico() + (
        "import binascii as _real\n"
        "class _Wrong:\n"
        " def a2b_base64(self, text): return b'?' + _real.a2b_base64(text)[1:]\n"
        " def __getattr__(self, name): return getattr(_real, name)\n"
        "sys.modules['binascii'] = _Wrong()\n"
    )
    with Served(spoilt) as served:
        with pytest.raises(WrongBoard, match="other bytes than were sent"):
            run(served.url, content("one"))
        assert state_of(served.url) == {}


def test_a_board_that_raises_is_told_in_its_own_words(board):
    link = Link(board.url)
    try:
        with pytest.raises(ScriptFailed, match="ZeroDivisionError"):
            link.run("1/0")
        assert link.run("print(2)").strip() == "2"
    finally:
        link.close()


def test_ports_that_cannot_be_opened_say_why(tmp_path):
    with pytest.raises(LinkLost, match="nothing listens there"):
        Link("socket://127.0.0.1:1")
    with pytest.raises(LinkLost, match="no such port"):
        Link(str(tmp_path / "ttyACM7"))


def test_a_port_in_use_is_told():
    import os

    import serial

    leader, follower = os.openpty()
    try:
        with (
            serial.Serial(os.ttyname(follower), exclusive=True),
            pytest.raises(LinkLost, match="in use by another program"),
        ):
            Link(os.ttyname(follower))
    finally:
        os.close(leader)
        os.close(follower)


def test_a_silent_board_is_told():
    server = socket.create_server(("127.0.0.1", 0))
    kept = []
    threading.Thread(target=lambda: kept.append(server.accept()), daemon=True).start()
    try:
        with pytest.raises(LinkLost, match="no MicroPython prompt"):
            Link(f"socket://127.0.0.1:{server.getsockname()[1]}", timeout_s=0.2)
        sent = kept[0][0].recv(99)
        assert sent.startswith(b"\x03\x03"), "before Enter, which would execute what is typed"
    finally:
        server.close()
        for connection, _ in kept:
            connection.close()


def test_command_line(board, capsys, monkeypatch):
    program = {**content("command").program, "/firmware/drivers/adxl345.py": b""}
    monkeypatch.setattr(files, "program", lambda chosen: program)
    arguments = ["deploy", "rpi_pico", board.url, "--template", "cold_chain"]
    assert cli.main([*arguments, "--dry-run"]) == 0
    listed = " ".join(capsys.readouterr().out.split())
    assert "/firmware/app.py" in listed and "nothing written" in listed
    assert cli.main(arguments) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "verified by SHA-256" in told and "next 1. connect the sht31: I2C pins SDA 4" in told
    assert cli.main([*arguments, "--json", "-"]) == 0
    assert json.loads(capsys.readouterr().out)["sent_bytes"] == 0
    assert cli.main(["deploy", "rpi_pico_w", board.url]) == 2
    told = capsys.readouterr().err
    assert told.startswith("tocsin: socket://") and told.count("\n") == 1
    there = on_board(board.url)
    assert json.loads(there["/config.json"])["pipelines"]["main"]["sensor"]["driver"] == "sht31"
    assert there["/board.json"] == PICO.content()


def test_a_template_replaces_a_starting_configuration_and_no_other(board, capsys, monkeypatch):
    program = {**content("command").program, "/firmware/drivers/adxl345.py": b""}
    monkeypatch.setattr(files, "program", lambda chosen: program)

    def deployed(template):
        assert cli.main(["deploy", "rpi_pico", board.url, "--template", template]) == 0
        return capsys.readouterr().out, on_board(board.url)["/config.json"]

    _, cold = deployed("cold_chain")
    told, vibration = deployed("vibration")
    assert b"adxl345" in vibration and vibration != cold and "next 1." in told
    told, same = deployed("vibration")
    assert same == vibration and "up to date" in told and "kept" not in told
    link = Link(board.url)
    changed = vibration.replace(b'"limit": null', b'"limit": 4.0')
    link.run(f"with open('/config.json', 'wb') as file: file.write({changed!r})\n")
    link.close()
    for template in ("vibration", "cold_chain", "vibration"):
        told, there = deployed(template)
        assert there == changed, "set on the console"
        assert "/config.json of the board is kept" in " ".join(told.split())
        assert "next 1." not in told


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["no_such_board", "p"], "there are esp32, esp32_c3"),
        (["rpi_pico", "p", "--model", "x.onnx"], "give a .tcb bundle"),
        (["rpi_pico", "p", "--model", "x.tcb"], "x.tcb does not exist"),
        (["rpi_pico", "p", "--template", "heat"], "use one of cold_chain"),
        (["rpi_pico", "p", "--template", "quality", "--sensor", "none"], "none of adxl345"),
        (["rpi_pico", "p", "--sensor", "sht31"], "--sensor goes with --template"),
    ],
)
def test_bad_options_are_one_line(arguments, message, capsys, monkeypatch):
    monkeypatch.setattr(files, "program", lambda chosen: {})
    assert cli.main(["deploy", *arguments]) == 2
    told = capsys.readouterr().err
    assert message in told and told.count("\n") == 1


def test_a_configuration_for_another_board_is_refused(tmp_path):
    config = {"version": 1, "device": {"id": "a", "board": "esp32"}, "pipelines": {}, "alarms": {}}
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config))
    with pytest.raises(BoardError, match="is for esp32"):
        files.data(PICO, path, [], [])
    path.write_text("{")
    with pytest.raises(BoardError, match="config.json: "):
        files.data(PICO, path, [], [])


def test_the_progress_ends_at_its_end(board):
    wanted = content("progress")
    link = Link(board.url)
    steps = []
    try:
        plan = deploy.plan_for(link, PICO, wanted)
        deploy.carry_out(link, plan, lambda what, n: steps.append(n))
    finally:
        link.close()
    assert sum(steps) == plan.steps
