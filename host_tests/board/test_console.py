# SPDX-License-Identifier: Apache-2.0
"""The console on an emulated Pico that samples 3 x 3.2 kHz and scores every window meanwhile."""

import pytest

from host_tests.board import console_on_pico
from tools.emulator.pico import MISSING, image_from_environment

IMAGE = image_from_environment()
LIMIT_S = 0.2


@pytest.mark.skipif(IMAGE is None, reason=MISSING)
def test_answers_come_in_time_and_no_sample_is_lost():
    commands = ("status", "sensors", "alarms", "set alarms.score_high.limit 2.5",
                "set alarms.score_high.limit 1_000", "ack", "status")
    found = console_on_pico.run(IMAGE, commands, show=lambda text: None)
    late = [answer for answer in found["answers"] if answer[1] > LIMIT_S]
    assert late == []
    assert found["dropped"] == 0
    assert found["windows"] > 0 and found["problems"] == []
