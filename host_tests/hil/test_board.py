# SPDX-License-Identifier: Apache-2.0
"""A board in the hand: what `make test-board` shows. The stages run in this order, once each."""

import json
from pathlib import Path

import pytest

from host_tests.hil.rig import STOPPED
from host_tests.hil.stages import CRASHES, LEARN, LIMIT, QUESTIONS
from host_tests.hil.subject import ALARM, DELAY_S, WINDOW_MS
from tools.boards import config

BUDGETS = json.loads(Path(__file__).with_name("budgets.json").read_text())
ALARM_ON = 2


def budget(rig, key):
    """The budget of this board, its chip or any; None where nobody has set one."""
    mcu = config.load(rig.board).data["mcu"]
    rows = (BUDGETS["boards"].get(rig.board, {}), BUDGETS["mcus"].get(mcu, {}), BUDGETS["any"])
    return next((row[key] for row in rows if key in row), None)


def test_deploy_brings_everything_and_a_second_one_sends_nothing(deployed, figures):
    once, again = deployed
    assert once["pack_bytes"] > 0 and "/hil_probe.mpy" in once["files"]
    assert again["files"] == {} and again["removed"] == [] and again["sent_bytes"] == 0
    figures(("deploy", f"{len(once['files'])} files, {once['sent_bytes']:,} bytes sent, "
             f"{once['wall_s']:.0f} s of wall time; again: 0 bytes", ""))  # fmt: skip


def test_it_starts_without_a_problem(first):
    [start] = first.starts
    assert start["problems"] == [] and not start["safe"]


def test_enough_heap_is_free_after_the_start(rig, first, figures):
    [start] = first.starts
    least = budget(rig, "heap_free_bytes")
    figures(("free heap after the start", f"{start['heap_free_min']:,} bytes", f">= {least}"))
    if least is None:
        pytest.skip(f"no budget for {rig.board} in budgets.json")
    assert start["heap_free_min"] >= least


def test_the_first_decision_comes_in_time(rig, first, figures):
    most = budget(rig, "first_decision_ms")
    figures(("reset to first decision", f"{first.probe['first_ms']} ms", f"<= {most}"))
    assert 0 < first.probe["first_ms"] <= most


@pytest.mark.parametrize(
    ("command", "expected"),
    list(zip(QUESTIONS, ("learn", "main", f"alarms.{ALARM}.limit", f"-> {LIMIT}", "main"))),
    ids=[f"{i}-{command.split()[0]}" for i, command in enumerate(QUESTIONS)],
)
def test_the_console_answers_in_time_while_sampling(rig, first, figures, command, expected):
    most = budget(rig, "answer_ms")
    assert expected in first.answer(command)
    for begin, end in first.times(command):
        figures((f"console: {command}", f"first byte {begin} ms, all {end} ms", f"<= {most}"))
        assert begin <= most


def test_no_sample_is_lost_meanwhile(first):
    assert "0 samples lost" in first.answer("status")


def test_a_configuration_is_pulled_and_pushed_whole(first):
    assert "in force after a reset" in first.more["pushed"]
    config = first.configs[-1]
    assert config["pipelines"]["main"]["sensor"]["file"] == "hil_failing.trec"
    assert config["device"]["id"] == "hil"


def test_commissioning_sets_the_limit_and_freezes_it(first, figures):
    learnt, later = (c["alarms"]["score_high"] for c in first.configs[-2:])
    figures((f"limit of the score after learn {LEARN}", f"{learnt['limit']}", "was 1.5"))
    assert learnt["limit"] != 1.5 and learnt["limit"] >= 1.0
    assert later == learnt
    assert first.answer("learn").startswith("not learning")


def test_ctrl_c_stops_the_app(first):
    assert STOPPED in first.more["stopped"] and ">>>" in first.more["stopped"]


def test_an_hour_of_windows_leaves_the_heap_as_it_was(rig, hour, figures):
    settled = hour[len(hour) // 8]
    figures((f"heap in use after {settled[0]} windows", f"{settled[1]:,} bytes", ""))
    figures((f"heap in use after {hour[-1][0]} windows", f"{hour[-1][1]:,} bytes", "no growth"))
    assert hour[-1][1] <= settled[1] + budget(rig, "growth_bytes")


def test_mpremote_works_at_the_prompt(remote):
    run, listed = remote
    assert run.returncode == 0 and run.stdout.split() == ["['main']", "42"], run.stderr
    assert listed.returncode == 0 and "hil.tcb" in listed.stdout, listed.stderr


def test_ctrl_d_goes_back_to_work_with_the_same_limits(first, second):
    assert f"alarms.{ALARM}.limit = {LIMIT}" in second.answer(f"show alarms.{ALARM}")
    learnt = first.configs[-1]["alarms"]["score_high"]["limit"]
    assert f"alarms.score_high.limit = {learnt}" in second.answer("show alarms.score_high")
    assert second.starts[-1]["problems"] == []


def test_the_alarm_comes_within_its_delay(second, figures):
    first_over, onset = second.more["onset"]
    [raised] = [t for t, name, mask in second.probe["changes"]
                if name == ALARM and mask & ALARM_ON]  # fmt: skip
    after = raised - first_over
    figures(("alarm after the first window above the limit", f"{after} ms",
             f"{DELAY_S * 1000} .. {DELAY_S * 1000 + WINDOW_MS}"))  # fmt: skip
    figures(("alarm after the first sample above", f"{raised - onset} ms", ""))
    assert DELAY_S * 1000 <= after <= DELAY_S * 1000 + WINDOW_MS + 20
    assert 0 < raised - onset <= DELAY_S * 1000 + 2 * WINDOW_MS + 20


def test_impatient_ctrl_c_stops_it_as_well(second):
    said = second.more["stopped"]
    assert STOPPED in said and "Traceback" not in said


def test_five_early_crashes_lead_to_safe_mode(crashed, figures):
    safe, after = crashed
    record = after.starts[0]
    figures(("safe mode after", f"{record['crashes']} crashes", f"{CRASHES}"))
    assert record["safe"] and record["crashes"] == CRASHES
    assert "problem: safe mode" in safe.answer("status")
    assert " windows " not in safe.answer("status")
    assert ALARM in safe.answer("alarms")


def test_the_next_wanted_reset_leaves_safe_mode(crashed):
    _, after = crashed
    record = after.starts[1]
    assert not record["safe"] and record["problems"] == []
    assert "safe mode" not in after.answer("status") and "score" in after.answer("status")
    assert f"alarms.{ALARM}.limit = {LIMIT}" in after.answer(f"show alarms.{ALARM}")


def test_times_are_within_their_budgets(rig, bench, figures):
    over = {}
    for what, us in bench.items():
        most = budget(rig, what)
        figures((what[:-3], f"{us:.0f} us", "" if most is None else f"<= {most}"))
        if most is not None and us > most:
            over[what] = us
    assert over == {}
