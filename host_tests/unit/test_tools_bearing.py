# SPDX-License-Identifier: Apache-2.0
"""A known bearing's lines as features: strict options, refusals, and that a defect is seen."""

import json

import numpy as np
import pytest

from host_tests.unit import tools_sets
from tools import cli, datasets
from tools.train import bearing, describe, fit, template

GEOMETRY = "balls=9,ball=7.94,pitch=39.04,angle=0"
RPM = 1797
RATE = 12_000.0
BPFO, BPFI, BSF, FTF = 107.3650, 162.1850, 70.5846, 11.9294


def knocks(hertz, seconds, seed, depth=1.0):
    """A resonance at 3 kHz that something makes louder `hertz` times a second, in noise."""
    t = np.arange(round(seconds * RATE)) / RATE
    loud = 1 + depth * np.cos(2 * np.pi * hertz * t)
    noise = np.random.default_rng(seed).normal(0, 100, len(t))
    wave = 1500 * loud * np.sin(2 * np.pi * 3000 * t) + noise
    return np.round(wave).astype(np.int16)[:, None]


def recorded(folder, rate=RATE, domain="waveform", samples=65_536):
    rng = np.random.default_rng(3)
    arrays = {f"r{i}.npy": tools_sets.vibration(rng, samples, 0, 1) for i in range(2)}
    return tools_sets.write(folder, {
        "kind": "vibration", "task": "anomaly", "rate_hz": rate, "domain": domain,
        "channels": tools_sets.channels("x"),
        "recordings": [{"file": name, "split": "train", "label": "normal"} for name in arrays],
    }, arrays)  # fmt: skip


def refused(capsys, *arguments):
    code = cli.main([str(a) for a in arguments])
    error = capsys.readouterr().err
    assert code == 2 and error.count("\n") == 1, error
    return error


def test_geometry_and_speed_give_the_frequencies():
    known = bearing.parse(GEOMETRY, RPM)
    assert known == {"balls": 9, "ball_diameter": 7.94, "pitch_diameter": 39.04,
                     "angle_deg": 0.0, "speed_rpm": RPM}  # fmt: skip
    found = bearing.frequencies(known)
    expected = {"bpfo": BPFO, "bpfi": BPFI, "bsf": BSF, "ftf": FTF}
    assert found == pytest.approx(expected, abs=1e-3)
    assert bearing.parse("balls=9,ball=7.94,pitch=39.04", 1)["angle_deg"] == 0


@pytest.mark.parametrize("text, rpm, words", [
    ("balls=9", RPM, "lacks ball, pitch"),
    ("", RPM, "write it like balls=9"),
    ("balls=9,ball=7.94,pitch=39.04,size=3", RPM, "'size=3'"),
    ("balls=9,balls=9,ball=7.94,pitch=39.04", RPM, "balls twice"),
    ("balls=9.5,ball=7.94,pitch=39.04", RPM, "whole number"),
    ("balls=9,ball=7.94mm,pitch=39.04", RPM, "plain number"),
    ("balls=9,ball=nan,pitch=39.04", RPM, "plain number"),
    ("balls=9,ball=7_9,pitch=39.04", RPM, "plain number"),
    ("balls=9,ball=40,pitch=39.04", RPM, "ball diameter < pitch diameter"),
    ("balls=1,ball=4,pitch=39.04", RPM, "2 or more balls"),
    (GEOMETRY, None, "--rpm"),
    (GEOMETRY, 0, "above 0"),
    (GEOMETRY, float("nan"), "above 0"),
])  # fmt: skip
def test_anything_else_is_refused(text, rpm, words):
    with pytest.raises(bearing.BearingError, match=words) as error:
        bearing.parse(text, rpm)
    assert "\n" not in str(error.value)


def test_a_defect_raises_the_feature_of_its_line(tmp_path):
    data = datasets.load(recorded(tmp_path / "set"))
    chosen = template.load("vibration").with_bearing(bearing.parse(GEOMETRY, RPM))
    config = template.configure(chosen, data.facts(data.recordings), 65_536)
    assert config["window"] == 2048
    rows = describe.describe(config)
    names = [row["name"] for row in rows]
    lines = [f"x envelope {line}" for line in ("bpfo", "bpfi", "bsf", "ftf")]
    assert [n for n in names if "envelope" in n] == lines

    def levels(hertz, depth):
        found = fit.compute(config, [datasets.Recording("r", knocks(hertz, 4, 1, depth))])
        decibel = [row["scale"] for row in rows]
        middle = np.median(found.vectors, axis=0) * decibel
        return {line[11:]: middle[names.index(line)] for line in lines}

    quiet = levels(BPFO, 0.0)
    for hertz, own in ((BPFO, "bpfo"), (BPFI, "bpfi"), (BSF, "bsf"), (FTF, "ftf")):
        rise = {line: level - quiet[line] for line, level in levels(hertz, 0.5).items()}
        assert rise[own] > 20, rise
        assert all(rise[own] - rise[other] > 6 for other in rise if other != own), rise


def test_lines_that_a_window_cannot_show_are_left_out(tmp_path):
    data = datasets.load(recorded(tmp_path / "set", samples=600))
    chosen = template.load("vibration").with_bearing(bearing.parse(GEOMETRY, RPM))
    config = template.configure(chosen, data.facts(data.recordings), 600)
    assert config["window"] == 512
    assert [f["labels"] for f in config["features"] if "lines" in f] == [["bpfo", "bpfi", "bsf"]]


def test_train_learns_the_lines_and_inspect_names_them(tmp_path, capsys):
    folder, out = recorded(tmp_path / "set"), tmp_path / "m.tcb"
    told = tmp_path / "told.json"
    arguments = ["train", folder, "--template", "vibration", "--out", out, "--json", told,
                 "--bearing", GEOMETRY, "--rpm", RPM]  # fmt: skip
    assert cli.main([str(a) for a in arguments]) == 0
    assert "bearing lines: bpfi, bpfo, bsf, ftf" in capsys.readouterr().out
    assert json.loads(told.read_text())["models"][0]["window"] == 2048
    assert cli.main(["inspect", str(out), "--json", "-"]) == 0
    found = json.loads(capsys.readouterr().out)
    rows = {f["name"]: f for f in found["features"]}
    assert rows["x envelope bpfo"]["watch"] is False
    assert found["self_test"]["passed"]


def test_what_a_bearing_cannot_be_looked_for_in_is_refused(tmp_path, capsys):
    out = tmp_path / "m.tcb"
    common = ("--template", "vibration", "--out", out)
    wanted = ("--bearing", GEOMETRY, "--rpm", RPM)
    unknown = recorded(tmp_path / "unknown", rate=None)
    assert "give --rate" in refused(capsys, "train", unknown, *common, *wanted)
    slow = recorded(tmp_path / "slow", domain="slow")
    assert "domain slow" in refused(capsys, "train", slow, *common, *wanted)
    fast = recorded(tmp_path / "fast", rate=1_000_000.0)
    assert "another rate" in refused(capsys, "train", fast, *common, *wanted)
    good = recorded(tmp_path / "good")
    assert "--bearing" in refused(capsys, "train", good, *common, "--rpm", RPM)
    assert "--rpm" in refused(capsys, "train", good, *common, "--bearing", GEOMETRY)
    assert not out.exists()


def test_help_has_an_example(capsys):
    assert cli.main(["train", "--help"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "balls=9" in shown and "--rpm" in shown
