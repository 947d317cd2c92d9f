# SPDX-License-Identifier: Apache-2.0
"""From a capture to a board: train --config, replay, and the board that runs both files."""

import io
import json
import subprocess
import sys
from array import array

import numpy as np
import pytest

from firmware.drivers.replay import Replay, parse
from host_tests.unit import tools_sets
from tocsin.config.defaults import complete
from tocsin.config.schema import is_id, validate
from tools import cli, datasets, replay_file
from tools.emulator.deploy import PROJECT, deploy
from tools.train import job, pack, starting
from tools.train import template as templates

RATE = 3200
RELAY = 14
FAULT_AT_S = 24
BURST_S = 8 * 512 / RATE             # the template's schedule: eight windows every minute


def machine(path, seconds, seed, fault_from=None):
    """A CSV capture of a running machine; from `fault_from` seconds on it shakes and rattles.

    At 25 Hz 0.05 g is 2.2 mm/s RMS, eight times that 17.7 mm/s.
    """
    rng = np.random.default_rng(seed)
    t = np.arange(seconds * RATE) / RATE
    late = t >= (seconds if fault_from is None else fault_from)
    wave = 0.05 * np.where(late, 8, 1) * np.sin(2 * np.pi * 25 * t)
    wave += late * 0.4 * np.sin(2 * np.pi * 700 * t) + rng.normal(0, 0.02, len(t))
    rows = [f"{i / RATE:.7f},{v:.4f}" for i, v in enumerate(wave)]
    path.write_text("\n".join(["time,x [g]", *rows]) + "\n")
    return path


def run(*arguments):
    assert cli.main([str(a) for a in arguments]) == 0


def refused(capsys, *arguments):
    code = cli.main([str(a) for a in arguments])
    error = capsys.readouterr().err
    assert code == 2 and error.count("\n") == 1, error
    return error


def board(root, config, model, recording, end_s, pins=()):
    """Flash a board with the files of the command line, run it, return what was seen of it."""
    text = json.loads(config.read_text())
    pipeline = next(iter(text["pipelines"].values()))
    deploy(root, config.read_text(), {pipeline["model"]: model})
    (root / pipeline["sensor"]["file"]).write_bytes(recording.read_bytes())
    spec = root.parent / "spec.json"
    spec.write_text(json.dumps({"name": "b", "end_s": end_s, "pins": list(pins), "ulab": True}))
    done = subprocess.run([sys.executable, "-m", "tools.emulator.board", str(root), str(spec)],
                          capture_output=True, text=True, cwd=PROJECT, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def records(root, kind):
    lines = (root / "records.jsonl").read_text().splitlines()
    return [r for r in map(json.loads, lines) if r["kind"] == kind]


@pytest.fixture(scope="module")
def pump(tmp_path_factory):
    """What a person does: capture, import, train, replay."""
    folder = tmp_path_factory.mktemp("pump")
    normal = machine(folder / "mon.csv", 40, 1)
    fault = machine(folder / "tue.csv", 60, 2, FAULT_AT_S)
    recordings = folder / "recordings"
    run("capture-import", normal, "--out", recordings, "--kind", "vibration",
        "--label", "normal", "--scale", 0.001)  # fmt: skip
    run("capture-import", fault, "--out", recordings, "--add", "--label", "anomalous",
        "--split", "test", "--kind", "vibration")  # fmt: skip
    run("train", recordings, "--template", "vibration", "--out", folder / "Pump 1.tcb",
        "--config", folder / "config.json", "--device", "site-7", "--relay", RELAY)  # fmt: skip
    run("replay", recordings, "--out", folder / "pump.trec")
    return folder


@pytest.fixture(scope="module")
def monitored(pump):
    """The board with those files, until its recording is nearly played."""
    root = pump / "board"
    files = pump / "config.json", pump / "Pump 1.tcb", pump / "pump.trec"
    return root, board(root, *files, 1500, [RELAY])


def test_the_configuration_is_valid_and_complete(pump):
    config = json.loads((pump / "config.json").read_text())
    assert validate(config) == []
    assert config["device"] == {"id": "site-7"}
    [(name, pipeline)] = complete(config)["pipelines"].items()
    assert name == "pump_1" and pipeline["model"] == "Pump 1.tcb"
    assert pipeline["sensor"] == {"driver": "replay", "file": "pump_1.trec"}
    assert pipeline["schedule"] == {"every_s": 60, "windows": 8}
    assert pipeline["vibration"]["value"] == "x velocity rms"
    assert pipeline["placement"]["features"] == "on_alarm"
    sources = {key: rule["source"] for key, rule in config["alarms"].items()}
    assert sources == {
        "score_high": "pump_1.score",
        "velocity_high": "pump_1.x velocity rms",
    }
    assert config["outputs"]["relay"]["pin"] == RELAY
    assert config["outputs"]["relay"]["alarms"] == list(sources)


def test_capture_train_board_raises_the_alarm_with_reasons(monitored):
    root, events = monitored
    assert records(root, "start")[0]["problems"] == []
    raised = [r for r in records(root, "alarm") if r["new"] == "alarm"]
    score = next(r for r in raised if r["rule"] == "score_high")
    faulty = FAULT_AT_S / BURST_S * 60
    assert faulty < score["up_s"] < faulty + 300
    assert score["value"] >= 1.5 and score["reasons"]
    assert any("Hz" in name or "log2" in name for name, _ in score["reasons"])
    assert not any("velocity" in name for name, _ in score["reasons"])
    assert not [r for r in records(root, "alarm") if r["up_s"] < faulty]
    off = [e["t"] for e in events if e["kind"] == "pin" and e["level"] == 0 and e["t"] > 0]
    assert off[0] == pytest.approx(min(r["up_s"] for r in raised), abs=1)


def test_velocity_is_watched_on_the_board(monitored):
    root, _ = monitored
    raised = [r for r in records(root, "alarm") if r["rule"] == "velocity_high"]
    assert raised[-1]["new"] == "alarm" and raised[-1]["up_s"] > FAULT_AT_S / BURST_S * 60
    shaking = 8 * 0.05 * 9806.65 / (2 * np.pi * 25) / np.sqrt(2)
    assert raised[-1]["value"] == pytest.approx(shaking, rel=0.15)


SETS = {
    "quality": (tools_sets.curves, ["bad_parts", "yield_low"]),
    "cold_chain": (tools_sets.room, ["temperature_high", "temperature_low", "door_open",
                                     "score_high"]),
    "operations": (tools_sets.room, ["score_high"]),
    "vibration": (tools_sets.motor, ["score_high", "velocity_high_x", "velocity_high_y"]),
}  # fmt: skip


@pytest.mark.parametrize("name", SETS)
def test_every_template_gives_a_configuration_that_arms_all_its_alarms(tmp_path, name):
    make, alarms = SETS[name]
    folder = make(tmp_path / "set")
    model, config, played = (tmp_path / n for n in ("m.tcb", "c.json", "m.trec"))
    run("train", folder, "--template", name, "--out", model, "--config", config)
    run("replay", folder, "--out", played, *(["--rate", 100] if name == "quality" else []))
    written = json.loads(config.read_text())
    assert list(written["alarms"]) == alarms
    assert "outputs" not in written and written["device"]["id"] == "m"
    board(tmp_path / "board", config, model, played, 300)
    [start] = records(tmp_path / "board", "start")
    assert start["problems"] == []


def test_a_room_with_contacts_fills_the_section(tmp_path):
    found = room_config(("t_air", "°C"), ("rel", "%RH"), ("Door reed", ""), ("defrost", ""))
    assert found["pipelines"]["main"]["cold_chain"] == {
        "temperature": "t_air", "humidity": "rel", "door": {"input": "Door reed"},
        "defrost": {"input": "defrost", "start": 6.0, "end": 5.0}}  # fmt: skip
    assert found["alarms"]["temperature_high"]["source"] == "main.t_air"
    assert found["alarms"]["defrost_long"]["source"] == "main.defrost_s"


def room_config(*channels, interval_s=60.0, template="cold_chain"):
    """The configuration for a log with these (name, unit) channels."""
    facts = {
        "channels": [{"name": n, "unit": u, "scale": 0.01, "offset": 0.0} for n, u in channels],
        "rate_hz": None, "interval_s": interval_s, "domain": "slow", "length": None,
        "missing": None, "ranges": [[-1000, 1000]] * len(channels), "fill": None,
        "image_shape": None,
    }  # fmt: skip
    chosen = templates.load(template)
    conf = templates.configure(chosen, facts, 1000)
    device = starting.Device("d", "main", "m.tcb", "m.trec")
    config = starting.configuration(chosen, conf, [], False, device)
    assert validate(json.loads(starting.text(config))) == []
    return config


def test_no_alarm_points_at_something_that_is_not_there():
    found = room_config(("pressure", "bar"))
    assert list(found["alarms"]) == ["score_high"]
    assert "cold_chain" not in found["pipelines"]["main"]


def test_a_door_is_inferred_only_where_readings_are_close_enough():
    assert room_config(("t", "degC"))["pipelines"]["main"]["cold_chain"]["door"] == {}
    found = room_config(("t", "degC"), interval_s=900.0)
    assert "door" not in found["pipelines"]["main"]["cold_chain"]
    assert "door_open" not in found["alarms"]
    with_reed = room_config(("t", "degC"), ("door", ""), interval_s=900.0)
    assert with_reed["alarms"]["door_open"]["source"] == "main.door_open_s"


def test_several_probes_have_an_alarm_each():
    found = room_config(("temp top", "degC"), ("temp low", "degC"))
    sources = {k: r["source"] for k, r in found["alarms"].items() if k.startswith("temperature_h")}
    assert sources == {"temperature_high_temp_top": "main.temp top",
                       "temperature_high_temp_low": "main.temp low"}  # fmt: skip


def test_silence_is_no_fault_before_a_slow_sensor_speaks_again():
    assert room_config(("t", "degC"), interval_s=900.0)["alarms"]["score_high"][
        "data_missing_s"] == 2700
    assert "data_missing_s" not in room_config(("t", "degC"))["alarms"]["score_high"]


def test_the_alarms_of_the_view_in_use_serve_where_the_templates_own_do_not():
    found = room_config(("t", "degC"), template="quality")
    assert list(found["alarms"]) == ["score_high"]


@pytest.mark.parametrize("change, words", [
    ({"alarms": {"a": {"limit": 1}}}, "alarm a has no value"),
    ({"alarms": {"a": {"value": "score", "side": "high", "limit": "x"}}}, "alarms.a.limit"),
    ({"alarms": {}}, "no alarm of template mine fits"),
    ({"schedule": {"windows": 2}}, "every_s and windows"),
    ({"placement": "always"}, "placement"),
])  # fmt: skip
def test_a_broken_template_is_refused_with_one_line(tmp_path, capsys, change, words):
    text = json.loads((templates.FOLDER / "vibration.json").read_text())
    mine = tmp_path / "mine.json"
    mine.write_text(json.dumps({**text, "name": "mine", **change}))
    folder = tools_sets.motor(tmp_path / "motor")
    out, config = tmp_path / "m.tcb", tmp_path / "c.json"
    error = refused(capsys, "train", folder, "--template", mine, "--out", out, "--config", config)
    assert words in error
    assert not out.exists() and not config.exists()


@pytest.mark.parametrize("text, expected", [
    ("Pump 1", "pump_1"), ("7up", "p7up"), ("Ölpumpe", "p_lpumpe"), ("", "pipeline"),
    ("x" * 40, "x" * 32),
])  # fmt: skip
def test_any_text_becomes_an_id(text, expected):
    assert starting.identifier(text) == expected
    assert is_id(starting.identifier(text))


def test_what_does_not_go_together_is_refused_and_nothing_is_written(tmp_path, capsys):
    folder = tools_sets.motor(tmp_path / "motor")
    out, config = tmp_path / "m.tcb", tmp_path / "c.json"
    common = ("train", folder, "--template", "vibration", "--out", out)
    assert "give that as well" in refused(capsys, *common, "--relay", 5)
    assert "not a folder" in refused(capsys, *common, "--config", tmp_path / "no" / "c.json")
    assert "choose another" in refused(capsys, *common, "--config", out)
    wrong = refused(capsys, *common, "--config", config, "--device", "Pump 1")
    assert "device.id" in wrong and "would not be valid" in wrong
    assert "outputs.relay.pin" in refused(capsys, *common, "--config", config, "--relay", 300)
    assert not out.exists() and not config.exists()


def test_several_models_need_a_group(tmp_path):
    with pytest.raises(job.JobError, match="--group"):
        job.config_wish(tmp_path / "c.json", None, None, tmp_path / "m.tcb", ["a", "b"])


def test_files_that_belong_together_appear_together_or_not_at_all(tmp_path):
    old, new, blocked = tmp_path / "old", tmp_path / "new", tmp_path / "blocked"
    old.write_bytes(b"before")
    blocked.mkdir()
    with pytest.raises(OSError, match="blocked"):
        pack.write_all({old: b"after", new: b"x", blocked: b"y"})
    assert old.read_bytes() == b"before"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["blocked", "old"]
    blocked.rmdir()
    pack.write_all({old: b"after", new: b"x", blocked: b"y"})
    assert [p.read_bytes() for p in (old, new, blocked)] == [b"after", b"x", b"y"]


def played(data):
    """(header, list of the samples) of a recording file's bytes, as the device reads them."""
    header, samples = parse(io.BytesIO(data))
    block = array("h", bytes(2 * len(samples)))
    samples.copy(0, block, len(samples))
    return header, block.tolist()


def test_a_replay_holds_the_recordings_in_order(pump, tmp_path, capsys):
    header, samples = played((pump / "pump.trec").read_bytes())
    data = datasets.load(pump / "recordings")
    assert header["rate_mhz"] == RATE * 1000 and header["parts"] is None
    assert header["channels"] == [c.facts() for c in data.channels]
    assert samples == data.of_split("test")[0].samples[:, 0].tolist()
    out = tmp_path / "both.trec"
    run("replay", pump / "recordings", "--recording", "tue", "--recording", "mon", "--out", out)
    assert len(played(out.read_bytes())[1]) == 100 * RATE
    error = refused(capsys, "replay", pump / "recordings", "--recording", "sun", "--out", out)
    assert "no recording 'sun'; it has mon, tue" in error


def test_a_replay_of_parts_and_of_logs_says_so(tmp_path):
    parts = datasets.load(tools_sets.curves(tmp_path / "parts", leak=False))
    timed = datasets.DataSet(**{**vars(parts), "rate_hz": 100.0})
    header, _ = played(replay_file.of_recordings(timed, timed.of_split("test")))
    assert header["parts"] == 48
    log = datasets.load(tools_sets.room(tmp_path / "room"))
    header, _ = played(replay_file.of_recordings(log, log.of_split("test")))
    assert header["interval_ms"] == 60_000 and header["rate_mhz"] == 17


class Clock:
    """A clock that stands still but for those who wait."""

    now = 0

    def ticks_ms(self):
        return self.now

    def diff(self, a, b):
        return a - b

    def add(self, a, b):
        return a + b

    async def sleep_ms(self, wait):
        self.now += max(0, wait)


@pytest.mark.parametrize("interval_ms, passed_ms", [(60_000, 6_000_000), (None, 5_882_353)])
def test_an_interval_paces_a_log_without_drift(interval_ms, passed_ms):
    clock = Clock()
    channels = [datasets.Channel("t").facts()]
    replay = Replay(clock, channels, 17, [1] * 100, interval_ms=interval_ms)
    block = [0]
    for _ in range(100):
        with pytest.raises(StopIteration) as count:
            replay.read(block).send(None)
        assert count.value.value == 1
    assert clock.now == pytest.approx(passed_ms, abs=1)


def test_what_cannot_be_played_is_refused(tmp_path, capsys):
    parts = tools_sets.curves(tmp_path / "parts")
    out = tmp_path / "p.trec"
    assert "give --rate" in refused(capsys, "replay", parts, "--out", out)
    assert "cannot be played" in refused(capsys, "replay", parts, "--rate", 1e-4, "--out", out)
    many = np.zeros((1 << 21, 1), np.int16)
    with pytest.raises(replay_file.ReplayError, match="fewer recordings"):
        replay_file.encode([datasets.Channel("x")], 0.001, many)
    assert not out.exists()
