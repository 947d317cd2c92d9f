# SPDX-License-Identifier: Apache-2.0
"""Some of the power cuts that `python -m host_tests.faults.deploy_power` goes through."""

import pytest

from host_tests.faults import deploy_power
from host_tests.faults.flash_board import BLOCK, FlashBoard, cuts
from tools.boards import deploy

_EVERY = {"small": 13, "small, onto nothing": 29}


@pytest.mark.parametrize("case", deploy_power.cases(1, real=False), ids=lambda case: case.name)
def test_a_cut_leaves_the_old_or_the_new_program(case, capsys):
    case.every = _EVERY[case.name]
    deploy_power.run(case)
    count = sum(case.seen.values())
    with capsys.disabled():
        print(f"\n{case.name}: {count} power cuts, {dict(case.seen)}")
    assert case.seen["old"] and case.seen["new"] and count > 100


def test_a_full_flash_leaves_the_old_program():
    """The check before the first byte knows what littlefs really takes."""
    old, new = deploy_power.small("old"), deploy_power.small("new", added=bytes(range(256)) * 60)
    room = deploy_power.Case("full", old, new, 64)
    refused = accepted = 0
    for ballast in range(1, 41, 2):
        board = FlashBoard(64, deploy_power.start(room))
        board.write({f"/ballast{i}": bytes([i]) * BLOCK for i in range(ballast)})
        try:
            deploy_power.deployed(board, new)
            accepted += 1
        except ValueError as error:
            assert "the file system is too full" in str(error), error
            refused += 1
        found = {p: d for p, d in board.files().items() if p in {**old.ordered(), **new.ordered()}}
        assert found in (old.ordered(), new.ordered())
    assert refused > 2 and accepted > 2


def test_the_room_that_is_asked_for_is_what_littlefs_takes():
    """The whole program onto an empty Pico W, which has 848 KB; and the next version onto that."""
    old, new = deploy_power.whole()
    board = FlashBoard(848 * 1024 // BLOCK)
    for wanted in (old, new):
        before, peak = board.disk.used_block_count, 0

        def look(path):
            nonlocal peak
            peak = max(peak, board.disk.used_block_count)

        plan = deploy.plan_for(board, deploy_power.PICO, wanted)
        deploy.carry_out(board, plan, lambda what, steps: look(what))
        taken = peak - before
        assert taken <= plan.needed // BLOCK <= taken + 12
        assert board.files().keys() == wanted.ordered().keys()


def test_the_cuts_are_what_they_say():
    flash = bytes([0xFF] * 16)
    torn = dict(cuts(flash, [(2, b"abcd"), (8, b"ef")]))
    assert torn["before operation 0"] == flash
    assert torn["1 bytes into operation 0"][2:6] == b"a\xff\xff\xff"
    assert torn["3 bytes into operation 0"][2:6] == b"abc\xff"
    assert torn["before operation 1"][2:6] == b"abcd"
    assert torn["before operation 2"][8:10] == b"ef"
