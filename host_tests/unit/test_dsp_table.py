# SPDX-License-Identifier: Apache-2.0
"""The feature table: complete, described, and shown as it is in the README."""

import importlib
import pathlib
import subprocess
import sys
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_tests.vectors.make_dsp_features import all_kinds
from tocsin.dsp import table
from tocsin.dsp.features import Extractor
from tocsin.dsp.windows import make_window
from tools.train import twin, twin_float
from tools.train.describe import kind_texts, markdown_table

ROOT = pathlib.Path(__file__).parents[2]


def test_every_row_names_a_module_and_has_a_description():
    texts = kind_texts()
    assert list(texts) == list(table.TABLE)
    for kind in table.TABLE:
        module, count, unit, q = table.row({"kind": kind})
        importlib.import_module("tocsin.dsp." + module)
        assert count in ("1", "edges", "lines", "points")
        assert unit and 0 <= q <= 12
        assert all(len(text) >= 4 for text in texts.values())


def test_readme_shows_the_table():
    readme = (ROOT / "lib/tocsin/dsp/README.md").read_text()
    assert markdown_table() in readme, "run python -m tools.train.describe and paste the table"


def test_both_twins_know_every_group():
    assert set(twin_float.COMPUTE) == set(twin.EXACT)


@pytest.mark.parametrize(
    ("kind", "loaded"),
    [
        ("level", {"slow"}),
        ("kurtosis", {"moments"}),
        ("max", {"parts"}),
        ("image_mins", {"images"}),
    ],
)
def test_only_the_modules_that_a_configuration_needs_are_imported(kind, loaded):
    image = "'shape': [2, 2], 'grid': [1, 1], 'points': 1"
    code = (
        "import sys; sys.path.insert(0, 'lib')\n"
        "from tocsin.dsp.features import Extractor\n"
        f"feature = {{'kind': '{kind}', {image}}}\n"
        "Extractor({'window': 4, 'channels': [{}], 'features': [feature]})\n"
        "print(*[m[11:] for m in sys.modules if m.startswith('tocsin.dsp.')])\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    modules = {"slow", "moments", "parts", "images", "spectral", "envelope", "windows"}
    assert set(run.stdout.split()) & modules == loaded


@pytest.mark.parametrize("length", [1, 2, 7, 64, 200, 2048])
@pytest.mark.parametrize("name", ["none", "hann", "flattop"])
def test_windows_are_rounded_to_the_last_bit_but_one(name, length):
    n = 2048
    coefficients = make_window(name, length, n)
    ideal = twin_float.window_table(name, length) * 32768
    assert len(coefficients) == n
    assert all(abs(coefficients[i] - min(ideal[i], 32767)) < 0.51 for i in range(length))
    assert not any(coefficients[length:])


JUNK = st.sampled_from(
    (None, True, -1, 0, 1, 3, 64, 5000, 1 << 40, 1.5, "hann", "x", [], [1], [2, 1], [[1, 2]], {})
)


@given(st.data())
def test_a_configuration_from_outside_is_computed_or_refused_by_name(data):
    """Whatever a bundle says: features of int16, or FeatureError."""
    feature = dict(data.draw(st.sampled_from(all_kinds())))
    config = {"window": 64, "channels": [{"name": "x"}, {"name": "y"}], "features": [feature]}
    for _ in range(data.draw(st.integers(1, 3))):
        target = data.draw(st.sampled_from((feature, feature, feature, config)))
        key = data.draw(st.sampled_from((*feature, *config, "q", "domain")))
        target[key] = data.draw(JUNK)
    try:
        extractor = Extractor(config)
    except table.FeatureError as error:
        assert "\n" not in str(error)
        return
    frames = [array("h", range(config["window"])) for _ in config["channels"]]
    assert len(extractor.extract(frames, config["window"])) == extractor.n_features
