# SPDX-License-Identifier: Apache-2.0
"""Real recordings, where they are at hand: the loader reads all, a few are learnt.

The full table is `make evaluate`.
"""

import os
from pathlib import Path

import pytest

from tools import datasets
from tools.mpy import ROOT
from tools.train import evaluate, report, template

FOLDER = Path(os.environ.get("TOCSIN_DATA", ROOT.parent / "shared" / "data"))
pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(), reason=f"no real recordings in {FOLDER}; set TOCSIN_DATA to their folder"
)


def test_every_set_loads():
    for path in datasets.expand(FOLDER):
        data = datasets.load(path)
        assert data.of_split("train") and data.of_split("test")
        assert evaluate.baseline(data)


@pytest.mark.parametrize(
    "name",
    ["bearing_normal_fault_48khz", "gearbox_4ch", "freezer_1min", "machine_temperature_5min"],
)
def test_integers_reach_the_float_baseline(name):
    if not (FOLDER / name).is_dir():
        pytest.skip(f"no set {name} in {FOLDER}")
    data = datasets.load(FOLDER / name)
    result = evaluate.evaluate(data, template.load(data.kind))
    figure = report.main_figure(data.task)
    ours = report.value(result["integer"], figure)
    assert ours == pytest.approx(report.value(result["float"], figure), abs=0.01)
    assert "below" not in report.verdict(result)
