# SPDX-License-Identifier: Apache-2.0
"""A short variant of the demonstration: five hours around noon, all figures checked."""

import json
import re

import pytest
from rich.console import Console

from tools.demo.run import run

START_S, HOURS = 11.5 * 3600, 5.0


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    out = tmp_path_factory.mktemp("demo")
    result = run(out, HOURS, START_S, Console(quiet=True))
    return out, result


def test_every_injected_fault_is_found_in_time(demo):
    _, result = demo
    delays = {fault["name"]: fault["delay_s"] for fault in result["faults"]}
    assert set(delays) == {"bearing defect", "door left open"}
    assert delays["bearing defect"] is not None and delays["bearing defect"] < 3 * 3600
    assert 240 <= delays["door left open"] <= 300


def test_bad_parts_stop_the_line_and_are_named(demo):
    _, result = demo
    line = result["line"]
    assert line["bad"] == 5
    assert line["found"] == line["bad"]
    assert line["named"] >= line["bad"] - 1
    assert line["false_stops"] == 0
    assert line["parts"] > 1500


def test_there_is_no_false_alarm(demo):
    _, result = demo
    assert result["false_alarm_list"] == []
    assert result["false_alarms"] == 0


def test_few_bytes_are_sent(demo):
    _, result = demo
    assert result["bytes"]["total"]["ratio"] >= 50
    assert result["bytes"]["motor"]["ratio"] >= 300


def test_report_is_one_self_contained_page(demo):
    out, result = demo
    page = (out / "report.html").read_text()
    assert json.loads((out / "report.json").read_text()) == json.loads(json.dumps(result))
    assert page.count("<svg") == 12
    assert not re.search(r"""(?:src|href)\s*=|url\(|@import|<script|<link""", page)
    assert "prefers-color-scheme:dark" in page
    assert "nan" not in page.lower().replace("tenan", "")
