# SPDX-License-Identifier: Apache-2.0
"""CSV, Edge Impulse JSON and .npy captures, and data set folders that appear whole."""

import json

import numpy as np
import pytest

from tools import captures, datasets
from tools.captures import CaptureError, Labels


def csv(tmp_path, text, name="c.csv"):
    path = tmp_path / name
    path.write_text(text)
    return path


def acquisition(tmp_path, **payload):
    whole = {
        "protected": {"ver": "v1", "alg": "none"},
        "signature": "0" * 64,
        "payload": {
            "device_name": "bench",
            "device_type": "TEST",
            "interval_ms": 10,
            "sensors": [{"name": "accX", "units": "m/s2"}, {"name": "accY", "units": "m/s2"}],
            "values": [[0.5, -1.0], [0.25, 2.0], [0.0, 1.0]],
            **payload,
        },
    }
    path = tmp_path / "a.json"
    path.write_text(json.dumps(whole))
    return path


def test_csv_names_units_and_rate_come_from_the_header(tmp_path):
    capture = captures.read(
        csv(tmp_path, "time,temp [degC],flow (l/min)\n0,1.5,2\n0.5,1.25,3\n1.0,1,4\n")
    )
    assert capture.columns == (("temp", "degC"), ("flow", "l/min"))
    assert capture.interval_s == 0.5
    assert capture.values.tolist() == [[1.5, 2], [1.25, 3], [1, 4]]


def test_csv_without_header_semicolons_and_iso_times(tmp_path):
    assert captures.read(csv(tmp_path, "1;2\n3;4\n")).columns == (("ch0", ""), ("ch1", ""))
    text = "timestamp,t1\n2026-01-01T00:00:00Z,1\n2026-01-01T00:01:00Z,2\n2026-01-01T01:00:00Z,3\n"
    capture = captures.read(csv(tmp_path, text))
    assert capture.interval_s == pytest.approx(1800, rel=1)
    assert capture.times.tolist() == [1767225600, 1767225660, 1767229200]


def test_empty_cells_are_missing_samples(tmp_path):
    data = captures.data_set([captures.read(csv(tmp_path, "a,b\n1,2\n,3\n4,5\n"))], Labels())
    assert data.missing == -32768
    assert data.recordings[0].samples[1, 0] == -32768


@pytest.mark.parametrize(
    "text, words",
    [
        ("a,b\n1,2\n3,nan\n", "line 3, b: nan is not finite"),
        ("a,b\n1,2\n\n-inf,2\n", "line 4, a: -inf is not finite"),
        ("a,b\n1,2\n1e999,2\n", "line 3, a: 1e999 is not finite"),
        ("a,b\n1,x\n", "line 2, b: 'x' is not a number"),
        ("a,b\n1,2\n3\n", "line 3: 1 cells, but 2 columns"),
        ("", "is empty"),
        ("a,b\n", "no samples"),
        ("time\n1\n", "a time column only"),
        ("time,a\n2,1\n1,2\n", "line 3: time runs backwards"),
    ],
)
def test_bad_csv_is_refused_with_its_line(tmp_path, text, words):
    with pytest.raises(CaptureError) as caught:
        captures.read(csv(tmp_path, text))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_edge_impulse_acquisition_is_read(tmp_path):
    capture = captures.read(acquisition(tmp_path))
    assert capture.columns == (("accX", "m/s2"), ("accY", "m/s2"))
    assert capture.interval_s == 0.01
    assert capture.values[1].tolist() == [0.25, 2.0]
    data = captures.data_set([capture], Labels("vibration", label="normal"))
    assert data.rate_hz == 100.0
    assert data.task == "anomaly"


@pytest.mark.parametrize(
    "payload, words",
    [
        ({"values": [[1, 2], [1]]}, "values[1] has 1 numbers, but there are 2 sensors"),
        ({"values": [[1, float("nan")]]}, "not a finite number"),
        ({"values": []}, "needs sensors and values"),
        ({"interval_ms": 0}, "interval_ms is 0"),
    ],
)
def test_bad_acquisitions_are_refused(tmp_path, payload, words):
    with pytest.raises(CaptureError) as caught:
        captures.read(acquisition(tmp_path, **payload))
    assert words in str(caught.value)


def test_npy_keeps_int16_and_refuses_nan(tmp_path):
    np.save(tmp_path / "i.npy", np.arange(6, dtype=np.int16).reshape(3, 2))
    data = captures.data_set([captures.read(tmp_path / "i.npy")], Labels(), rate_hz=100)
    assert data.recordings[0].samples.tolist() == [[0, 1], [2, 3], [4, 5]]
    assert data.channels[0].scale == 1.0
    np.save(tmp_path / "f.npy", np.array([0.0, np.nan]))
    with pytest.raises(CaptureError, match="sample 1, channel 0: NaN"):
        captures.read(tmp_path / "f.npy")


@pytest.mark.parametrize(
    "low, high", [(-1, 1), (0, 1e-6), (20.5, 21.0), (-3e5, 8e5), (1000, 1001)]
)
def test_scale_fits_and_keeps_resolution(low, high):
    scale, offset = captures.nice_scale(low, high)
    assert abs(low - offset) / scale <= 32767
    assert abs(high - offset) / scale <= 32767
    assert (high - low) / scale > 1000


def test_saved_folder_loads_with_the_same_values(tmp_path):
    capture = captures.read(csv(tmp_path, "time,t [degC]\n0,4.25\n60,4.5\n120,5\n"))
    captures.save(captures.data_set([capture], Labels("cold_chain"), name="s"), tmp_path / "s")
    data = datasets.load(tmp_path / "s")
    channel = data.channels[0]
    physical = data.recordings[0].samples[:, 0] * channel.scale + channel.offset
    assert physical == pytest.approx([4.25, 4.5, 5], abs=channel.scale)
    assert (data.domain, data.interval_s, data.kind) == ("slow", 60.0, "cold_chain")
    assert [p.name for p in tmp_path.iterdir() if "tmp" in p.name] == []


def test_adding_uses_the_scale_of_the_folder_and_fresh_names(tmp_path):
    capture = captures.read(csv(tmp_path, "x\n1\n2\n", "one.csv"))
    folder = tmp_path / "s"
    captures.save(captures.data_set([capture], Labels(label="normal"), name="s"), folder)
    known = datasets.load(folder)
    more = captures.read(csv(tmp_path, "x\n0.5\n1.5\n", "one.csv"))
    data = captures.data_set([more], Labels(split="test"), channels=known.channels)
    captures.add(data, folder)
    loaded = datasets.load(folder)
    assert [(r.name, r.split) for r in loaded.recordings] == [("one", "train"), ("one_2", "test")]
    assert loaded.recordings[1].samples[0, 0] * loaded.channels[0].scale == pytest.approx(
        0.5, abs=1e-3
    )


def test_a_failed_save_leaves_nothing(tmp_path, monkeypatch):
    capture = captures.read(csv(tmp_path, "x\n1\n2\n"))
    data = captures.data_set([capture], Labels(), name="s")

    def broken(*args):
        raise OSError("disk full")

    monkeypatch.setattr(captures.os, "rename", broken)
    with pytest.raises(OSError, match="disk full"):
        captures.save(data, tmp_path / "s")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["c.csv"]


def test_captures_that_do_not_belong_together_are_refused(tmp_path):
    one = captures.read(csv(tmp_path, "x\n1\n2\n", "one.csv"))
    two = captures.read(csv(tmp_path, "y\n1\n2\n", "two.csv"))
    with pytest.raises(CaptureError, match="two has channels y, but one has x"):
        captures.data_set([one, two], Labels())
