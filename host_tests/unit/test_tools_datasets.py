# SPDX-License-Identifier: Apache-2.0
"""The data set loader: every form of the folder format, and one-line refusals."""

import json

import numpy as np
import pytest

from host_tests.unit import tools_sets
from tools import datasets
from tools.datasets import DataSetError

EVENT = {"start": 5, "end": 9, "label": "x"}


def change(folder, **entries):
    path = folder / "dataset.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **entries}))


def test_streams_load_as_recordings_with_their_labels(tmp_path):
    data = datasets.load(tools_sets.motor(tmp_path / "m"))
    assert [r.label for r in data.of_split("test")] == ["normal"] * 2 + ["anomalous"] * 2
    assert data.recordings[0].samples.shape == (8192, 2)
    assert data.seconds_per_sample == 0.001
    assert not data.stacked


def test_stacked_parts_load_one_by_one(tmp_path):
    data = datasets.load(tools_sets.curves(tmp_path / "c"))
    assert data.stacked
    assert len(data.of_split("train")) == 120
    assert data.recordings[3].label == "bad"
    assert data.recordings[3].group == "train0"
    assert data.targets() == ["size"]
    assert data.with_target("size").recordings[0].label in ("large", "small")
    assert data.facts(data.of_split("train"))["length"] == 48


def test_leaky_channels_can_be_left_out(tmp_path):
    data = datasets.load(tools_sets.curves(tmp_path / "c"))
    without = data.without_channels(data.leaky_channels)
    assert [c.name for c in without.channels] == ["torque"]
    assert without.recordings[0].samples.shape == (48, 1)
    assert without.leaky_channels == ()


def test_events_keep_their_roles_and_times(tmp_path):
    data = datasets.load(tools_sets.room(tmp_path / "r"))
    log = data.of_split("test")[0]
    assert [data.role(e) for e in log.events] == ["anomaly", "anomaly"]
    assert log.times is not None and log.times.dtype == np.int64
    assert data.seconds_per_sample == 60.0


def test_facts_take_ranges_from_the_training_part_and_skip_missing(tmp_path):
    data = datasets.load(tools_sets.room(tmp_path / "r"))
    facts = data.facts(data.of_split("train"))
    low, high = facts["ranges"][0]
    assert -2100 < low < high < -1500
    assert low <= facts["fill"][0] <= high


def test_groups_without_train_data_use_the_pooled_model(tmp_path):
    folder = tools_sets.motor(tmp_path / "m")
    recordings = json.loads((folder / "dataset.json").read_text())["recordings"]
    recordings[3]["group"] = "unseen"
    change(folder, fit="per_group", recordings=recordings)
    data = datasets.load(folder)
    assert data.model_key(data.recordings[3]) == datasets.POOLED
    assert data.model_key(data.recordings[4]) == "a"
    assert len(data.training(datasets.POOLED)) == 3


@pytest.mark.parametrize(
    "entries, words",
    [
        ({"kind": "music"}, "kind is 'music'"),
        ({"channels": []}, "no channels"),
        ({"channels": tools_sets.channels("x")}, "2 channels, but dataset.json names 1"),
        ({"rate_hz": 0}, "rate_hz is 0"),
        ({"recordings": [{"file": "gone.npy"}]}, "gone.npy is missing"),
        ({"recordings": [{"file": "r0.npy", "events": [{**EVENT, "end": 99999}]}]}, "outside"),
        ({"recordings": [{"file": "r0.npy", "split": "dev"}]}, "split is 'dev'"),
        ({"recordings": []}, "no recordings"),
    ],
)  # fmt: skip
def test_a_bad_description_is_refused_in_one_line(tmp_path, entries, words):
    folder = tools_sets.motor(tmp_path / "m")
    change(folder, **entries)
    with pytest.raises(DataSetError) as caught:
        datasets.load(folder)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_arrays_of_other_types_are_refused(tmp_path):
    folder = tools_sets.motor(tmp_path / "m")
    np.save(folder / "r0.npy", np.zeros((100, 2)))
    with pytest.raises(DataSetError, match="float64, but 2-D int16"):
        datasets.load(folder)
    (folder / "r0.npy").write_bytes(b"\x93NUMPY broken")
    with pytest.raises(DataSetError, match="not a readable .npy"):
        datasets.load(folder)


def test_label_lists_must_have_one_entry_per_part(tmp_path):
    folder = tools_sets.curves(tmp_path / "c")
    (folder / "train_labels.json").write_text('["good"]')
    with pytest.raises(DataSetError, match="list of 120 entries"):
        datasets.load(folder)


def test_expand_finds_sets_in_a_folder_of_sets(tmp_path):
    tools_sets.motor(tmp_path / "all" / "m")
    tools_sets.room(tmp_path / "all" / "r")
    assert [p.name for p in datasets.expand(tmp_path / "all")] == ["m", "r"]
    assert datasets.expand(tmp_path / "all" / "m") == [tmp_path / "all" / "m"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataSetError, match="holds no dataset.json"):
        datasets.expand(tmp_path / "empty")
    with pytest.raises(DataSetError, match="does not exist"):
        datasets.expand(tmp_path / "none")
