# SPDX-License-Identifier: Apache-2.0
"""The command line: what it writes, and one line with exit code 2 on bad input."""

import json
import subprocess
import sys

import numpy as np
import pytest

from host_tests.unit import tools_sets
from tools import cli
from tools.mpy import ROOT


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A data set folder and a bundle trained on it."""
    folder = tmp_path_factory.mktemp("cli")
    tools_sets.motor(folder / "motor")
    out = folder / "motor.tcb"
    assert (
        cli.main(["train", str(folder / "motor"), "--template", "vibration", "--out", str(out)])
        == 0
    )
    return folder / "motor", out


def refused(capsys, *arguments):
    """Run and return the one line of a refusal."""
    code = cli.main([str(a) for a in arguments])
    error = capsys.readouterr().err
    assert code == 2, error
    assert error.startswith("tocsin: ") and error.count("\n") == 1, error
    return error


def waves(rate=1000, channels=2, samples=4096, path=None, spoil=None):
    rng = np.random.default_rng(9)
    table = tools_sets.vibration(rng, samples, 0, channels) * 0.001
    names = ",".join(["time", "x [g]", "y [g]", "z [g]"][: channels + 1])
    rows = [f"{i / rate:.6f}," + ",".join(f"{v:.3f}" for v in row) for i, row in enumerate(table)]
    if spoil:
        rows[spoil[0]] = rows[spoil[0]].rsplit(",", 1)[0] + "," + spoil[1]
    path.write_text("\n".join([names, *rows]) + "\n")
    return path


def test_train_reports_and_inspect_shows_the_bundle(trained, capsys):
    assert cli.main(["inspect", str(trained[1])]) == 0
    shown = capsys.readouterr().out
    for words in (
        "data_set motor",
        "512 samples",
        "1000 Hz",
        "kurtosis",
        "4 vectors passed",
        "clusters",
    ):
        assert words in shown
    assert cli.main(["inspect", str(trained[1]), "--json", "-"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["self_test"] == {"passed": True, "vectors": 4, "message": "4 vectors passed"}
    assert sum(not f["watch"] for f in found["features"]) == 72
    assert [f["name"] for f in found["features"] if f["watch"]] == [
        "x velocity rms to 500 Hz",
        "y velocity rms to 500 Hz",
    ]
    assert found["input"]["rate_hz"] == 1000.0
    assert found["provenance"]["template"] == "vibration"


def test_evaluate_writes_the_agreed_keys(trained, tmp_path, capsys):
    out = tmp_path / "deep" / "evaluate.json"
    assert cli.main(["evaluate", str(trained[0]), "--json", str(out), "--jobs", "1"]) == 0
    assert "recording auc" in capsys.readouterr().out
    found = json.loads(out.read_text())["sets"]["motor"]
    assert found["kind"] == "vibration" and found["task"] == "anomaly"
    assert found["template"] == "vibration"
    assert found["integer"]["recording_auc"] == found["float"]["recording_auc"] == 1.0
    assert found["baseline"]["recording_auc"] == 1.0


def test_evaluate_with_a_bundle(trained, capsys):
    arguments = ["evaluate", str(trained[0]), "--model", str(trained[1]), "--json", "-"]
    assert cli.main(arguments) == 0
    found = json.loads(capsys.readouterr().out)["sets"]["motor"]
    assert found["integer"]["recording_auc"] == 1.0


def test_one_broken_set_does_not_stop_the_others(trained, tmp_path, capsys):
    tools_sets.motor(tmp_path / "all" / "good")
    broken = tools_sets.motor(tmp_path / "all" / "broken")
    (broken / "r1.npy").unlink()
    out = tmp_path / "e.json"
    error = refused(capsys, "evaluate", tmp_path / "all", "--jobs", 1, "--json", out)
    assert "1 of 2 sets not evaluated" in error and "r1.npy is missing" in error
    found = json.loads(out.read_text())
    assert list(found["sets"]) == ["good"] and "broken" in found["failed"]


def test_csv_goes_all_the_way_to_a_verdict(tmp_path, capsys):
    path = waves(path=tmp_path / "run.csv", samples=3000)
    folder = tmp_path / "set"
    assert cli.main(["capture-import", str(path), "--out", str(folder), "--kind", "vibration",
                     "--label", "normal"]) == 0  # fmt: skip
    out = tmp_path / "m.tcb"
    error = refused(capsys, "train", folder, "--template", "vibration", "--out", out)
    assert "5 training windows" in error and "at least 8" in error
    assert not out.exists()
    assert cli.main(["train", str(waves(samples=16384, path=path)), "--template", "vibration",
                     "--out", str(out)]) == 0  # fmt: skip
    capsys.readouterr()
    assert cli.main(["evaluate", str(path), "--model", str(out), "--json", "-"]) == 0
    found = json.loads(capsys.readouterr().out)["sets"]["run"]
    assert found["integer"]["alarm_rate_normal"] < 0.1


def test_truncated_damaged_and_future_bundles_are_refused(trained, tmp_path, capsys):
    data = trained[1].read_bytes()
    path = tmp_path / "bad.tcb"
    path.write_bytes(data[: len(data) // 2])
    assert "truncated" in refused(capsys, "inspect", path)
    assert "truncated" in refused(capsys, "evaluate", trained[0], "--model", path)
    path.write_bytes(data[:4] + b"\x02\x00" + data[6:])
    assert "format 2" in refused(capsys, "inspect", path)
    path.write_bytes(data[:5000] + bytes([data[5000] ^ 1]) + data[5001:])
    assert "checksum" in refused(capsys, "inspect", path)
    assert "give a .tcb file" in refused(capsys, "inspect", tmp_path / "none.tcb")


@pytest.mark.parametrize("value", ["nan", "inf", "-Infinity"])
def test_csv_with_nan_or_infinity_is_refused_and_nothing_written(tmp_path, capsys, value):
    path = waves(path=tmp_path / "run.csv", samples=600, spoil=(400, value))
    out = tmp_path / "m.tcb"
    error = refused(capsys, "train", path, "--template", "vibration", "--out", out)
    assert "run.csv line 402, y [g]" in error and "not finite" in error
    error = refused(capsys, "capture-import", path, "--out", tmp_path / "set")
    assert "line 402" in error
    assert sorted(p.name for p in tmp_path.iterdir()) == ["run.csv"]


def test_wrong_channel_count_and_rate_are_refused(trained, tmp_path, capsys):
    path = waves(path=tmp_path / "three.csv", channels=3)
    error = refused(capsys, "evaluate", path, "--model", trained[1])
    assert "3 channels, the model needs 2" in error
    path = waves(path=tmp_path / "fast.csv", rate=2000)
    error = refused(capsys, "evaluate", path, "--model", trained[1])
    assert "2000 Hz" in error and "1000 Hz" in error and "resample" in error


def test_constant_channel_is_refused_by_name(tmp_path, capsys):
    folder = tools_sets.motor(tmp_path / "motor")
    for i in range(7):
        values = np.load(folder / f"r{i}.npy")
        values[:, 1] = 5
        np.save(folder / f"r{i}.npy", values)
    out = tmp_path / "m.tcb"
    arguments = ("train", folder, "--template", "vibration", "--out", out)
    assert "channel y of motor never changes" in refused(capsys, *arguments)
    assert not out.exists()
    assert cli.main([str(a) for a in (*arguments, "--leave-out", "y")]) == 0


def test_recording_shorter_than_a_window_is_refused(trained, tmp_path, capsys):
    path = waves(path=tmp_path / "short.csv", samples=50)
    error = refused(capsys, "train", path, "--template", "vibration", "--out", tmp_path / "m.tcb")
    assert "50 samples, shorter than" in error
    error = refused(capsys, "evaluate", path, "--model", trained[1])
    assert "50 samples, shorter than the window of 512" in error


def test_import_into_an_existing_folder_needs_add(tmp_path, capsys):
    path = waves(path=tmp_path / "run.csv", samples=100)
    out = tmp_path / "set"
    assert cli.main(["capture-import", str(path), "--out", str(out), "--label", "normal"]) == 0
    before = sorted(p.name for p in out.iterdir())
    assert "--add" in refused(capsys, "capture-import", path, "--out", out)
    assert sorted(p.name for p in out.iterdir()) == before
    assert (
        cli.main(["capture-import", str(path), "--out", str(out), "--add", "--split", "test"]) == 0
    )
    assert len(json.loads((out / "dataset.json").read_text())["recordings"]) == 2


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["train", "none", "--template", "vibration"], "dataset.json is missing"),
        (["train", "none", "--template", "engine"], "no template 'engine'"),
        (["train", "none"], "Missing option"),
        (["evaluate", "none"], "does not exist"),
        (["fly"], "No such command"),
        (["inspect"], "Missing argument"),
    ],
)
def test_wrong_usage_is_one_line(capsys, monkeypatch, tmp_path, arguments, words):
    monkeypatch.chdir(tmp_path)
    assert words in refused(capsys, *arguments)
    assert list(tmp_path.iterdir()) == []


def test_imported_onnx_network_becomes_a_bundle(trained, tmp_path, capsys):
    skl2onnx = pytest.importorskip("skl2onnx")
    from sklearn.neural_network import MLPRegressor

    rng = np.random.default_rng(4)
    x = rng.normal(size=(200, 72)).astype(np.float32)
    net = MLPRegressor(hidden_layer_sizes=(16, 8, 16), max_iter=50, random_state=0).fit(x, x)
    path = tmp_path / "auto.onnx"
    path.write_bytes(skl2onnx.to_onnx(net, x[:1]).SerializeToString())
    out = tmp_path / "auto.tcb"
    arguments = [
        "train",
        trained[0],
        "--template",
        "vibration",
        "--out",
        out,
        "--import-model",
        path,
    ]
    assert cli.main([str(a) for a in arguments]) == 0
    capsys.readouterr()
    assert cli.main(["inspect", str(out), "--json", "-"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["provenance"]["imported"] == "auto.onnx"
    assert [p["outputs"] for p in found["parts"]] == [16, 8, 16, 72]
    narrow = MLPRegressor(hidden_layer_sizes=(4,), max_iter=20, random_state=0).fit(
        x[:, :5], x[:, 0]
    )
    path.write_bytes(skl2onnx.to_onnx(narrow, x[:1, :5]).SerializeToString())
    error = refused(capsys, *arguments)
    assert "takes 5 inputs, the template gives 72 features" in error


@pytest.mark.parametrize("name", ["train", "evaluate", "inspect", "capture-import", "demo"])
def test_help_has_an_example(capsys, name):
    assert cli.main([name, "--help"]) == 0
    shown = capsys.readouterr().out
    assert "Example" in shown and f"tocsin {name}" in shown


def test_module_exits_with_the_code():
    run = subprocess.run(
        [sys.executable, "-m", "tools.cli", "inspect", "none.tcb"],
        cwd=ROOT,
        env={"PYTHONPATH": f"{ROOT}:{ROOT / 'lib'}", "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 2
    assert run.stderr == "tocsin: none.tcb does not exist; give a .tcb file\n"
