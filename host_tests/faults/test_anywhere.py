# SPDX-License-Identifier: Apache-2.0
"""A few of the faults of anywhere.py; `python -m host_tests.faults.anywhere KIND` has them all."""

import pytest

from host_tests.faults.anywhere import judge


@pytest.mark.parametrize("kind, burst", [("memory", 0), ("memory", 3), ("ctrl-c", 0),
                                         ("ctrl-c", 1)])
def test_fault_at_any_line_ends_in_a_known_state(tmp_path, kind, burst):
    count, wrong = judge(kind, 4, tmp_path, burst=burst)
    assert count >= 4
    assert wrong == []
