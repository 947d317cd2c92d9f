# SPDX-License-Identifier: Apache-2.0
"""The console on an emulated Pico that samples 3 x 3.3 kHz and scores every window meanwhile.

The accelerometer is on the emulated SPI, the flash takes a real one's time. Times are the
board's: from the end of a line to the first line of the answer, and the longest pause in it.
"""

import pytest

from host_tests.board.console_on_pico import COMMANDS, HEAD, Board, line
from tools.emulator.pico import MISSING, image_from_environment

IMAGE = image_from_environment()
pytestmark = pytest.mark.skipif(IMAGE is None, reason=MISSING)
LIMIT_S = 0.2
PICO_W_FREE = 70_000
SHORT = ("who anna", "status", "show alarms.score_high.limit", "set alarms.score_high.limit 2.5",
         "alarms", "audit", "set alarms.score_high.limit 2.6", "calibrate z 0.1", "learn 20")


def asked(board: Board, commands) -> list[dict]:
    """The answers, with a table of their times in the test's output."""
    print(HEAD)
    return board.ask(commands, show=print)


def late(answers: list[dict]) -> list[str]:
    return [line(answer) for answer in answers if max(answer["first"], answer["gap"]) > LIMIT_S]


@pytest.fixture(scope="module")
def session():
    """Every command on a Pico with a hundred changes in its audit log; (answers, counts)."""
    board = Board(IMAGE, entries=100)
    answers = asked(board, COMMANDS)
    return answers, board.counts()


def test_every_command_answers_in_time_the_first_time_too(session):
    answers, _ = session
    assert late(answers) == []


def test_commands_did_what_they_say(session):
    answers, counts = session
    texts = {answer["command"]: answer["text"] for answer in answers}
    assert "score_high.limit: 1.5 x normal -> 2.5 x normal, in force now" in texts[
        "set alarms.score_high.limit 2.5"]
    assert "no underscores" in texts["set alarms.score_high.limit 1_000"]
    assert "offset 0.1 -> 0.2 g" in texts["calibrate z 0.2"]
    assert "unbroken; head" in texts["audit"]
    assert "horn is quiet again" in texts["test horn"]
    assert "no network on this board" in texts["network"]
    assert "please report" not in "".join(texts.values())
    assert counts["problems"] == []


def test_no_sample_is_lost(session):
    answers, counts = session
    print(counts)
    assert [answer["command"] for answer in answers if answer["overruns"]] == []
    assert counts["overruns"] == counts["dropped"] == 0
    assert counts["late"] == counts["failed"] == counts["cut"] == 0
    assert counts["windows"] > 100


def test_a_change_erases_little_flash(session):
    answers, _ = session
    changes = [a["erases"] for a in answers if a["command"].startswith(("set", "calibrate"))]
    assert sum(changes) / len(changes) <= 6


def test_with_little_memory_left_it_answers_too():
    """As on a Pico W: what else takes the heap leaves less than 70 KB."""
    board = Board(IMAGE, ballast=48_000)
    answers = asked(board, SHORT)
    counts = board.counts()
    print(counts)
    assert counts["free"] <= PICO_W_FREE
    assert late(answers) == []
    assert [answer["text"] for answer in answers if "error" in answer["text"]] == []
    assert counts["overruns"] == counts["dropped"] == 0


def test_a_shallow_fifo_loses_samples_when_the_flash_is_erased_and_counts_them():
    """ADXL345: 32 samples, 10 ms; an erase takes 45 ms, with interrupts off."""
    board = Board(IMAGE, "adxl345")
    looking, changing = asked(board, ("status", "set alarms.score_high.limit 2.5"))
    counts = board.counts()
    print(counts)
    assert late([looking, changing]) == []
    assert looking["overruns"] == 0
    assert changing["overruns"] > 0
    assert counts["dropped"] >= counts["overruns"]
