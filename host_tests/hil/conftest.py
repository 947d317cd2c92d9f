# SPDX-License-Identifier: Apache-2.0
"""Options of the suite, the board it runs on, and what it measured, as a table at the end.

Without --port nothing in this folder is collected.
"""

import contextlib
from pathlib import Path

import pytest

from host_tests.hil import backup, stages, subject
from host_tests.hil.rig import HilError, Rig, compiled, detect, plain
from tools.mpy import ROOT

_SERIAL_S, _EMULATED_S = 10.0, 300.0
_figures = pytest.StashKey()


def pytest_addoption(parser):
    group = parser.getgroup("hil", "a board at a port")
    group.addoption("--port", help="/dev/ttyACM0, COM3, socket://HOST:PORT, or emulated")
    group.addoption("--board", help="a name of board_configs; default: what the board says it is")
    group.addoption("--hour", action="store_true", help="an hour of windows at their own pace")
    group.addoption("--line-timeout", type=float, help="how many seconds the board may be silent")
    group.addoption("--bare", action="store_true", help="emulated: begin with an empty flash")
    group.addoption("--keep", action="store_true", help="leave the suite's files on the board")


def pytest_ignore_collect(collection_path, config):
    return True if config.getoption("port", None) is None else None


@pytest.fixture(scope="session")
def figures(request):
    """Add (what, measured, budget) for the table at the end."""
    return request.config.stash.setdefault(_figures, []).append


def pytest_terminal_summary(terminalreporter, config):
    rows = config.stash.get(_figures, [])
    if not rows:
        return
    terminalreporter.section(f"measured on the board at {config.getoption('port')}")
    width = max(len(row[0]) for row in rows)
    for what, measured, budget in rows:
        line = f"{what:<{width}}  {measured}" + (f"  ({budget})" if budget else "")
        terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def port(request):
    """The board's port; an emulated board is started here and stopped at the end."""
    given = request.config.getoption("port")
    if given != "emulated":
        yield given
        return
    from host_tests.hil.emulated import start

    board = request.config.getoption("board") or "rpi_pico"
    with contextlib.ExitStack() as running:
        try:
            url = running.enter_context(start(board, request.config.getoption("bare")))
        except HilError as error:
            pytest.exit(str(error), 2)
        yield url


@pytest.fixture(scope="session")
def rig(request, port, figures):
    """The board, stopped; what it held is kept and put back at the end."""
    wait = request.config.getoption("line_timeout")
    wait = wait or (_EMULATED_S if port.startswith("socket:") else _SERIAL_S)
    folder = backup.folder_of(ROOT / "build" / "hil", request.config.getoption("port"))
    try:
        board = request.config.getoption("board") or plain(lambda: detect(port, wait))
        made = Rig(port, board, wait)
        plain(lambda: backup.save(made, folder))
    except HilError as error:
        pytest.exit(str(error), 2)
    figures(("board", made.board, ""))
    yield made
    if request.config.getoption("keep"):
        figures(("what the board held before", str(folder), "not put back: --keep"))
        return
    with stages.told():
        plain(lambda: backup.restore(made, folder))
        plain(made.reset)


@pytest.fixture(scope="session")
def things(tmp_path_factory):
    """Model, recordings, configuration and the modules that measure."""
    folder = tmp_path_factory.mktemp("subject")
    made = subject.build(folder)
    return stages.Things(made, subject.bench(folder), [
        compiled(Path(__file__).with_name("on_board") / "hil_probe.py", folder),
        compiled(ROOT / "host_tests" / "board" / "on_pico.py", folder),
    ])  # fmt: skip


@pytest.fixture(scope="session")
def deployed(rig, things):
    with stages.told():
        return stages.deploy(rig, things)


@pytest.fixture(scope="session")
def first(rig, deployed, figures):
    """The first boot with everything on the board, and what a technician does then."""
    with stages.told():
        return stages.first_boot(rig)


@pytest.fixture(scope="session")
def bench(rig, first):
    with stages.told():
        return stages.bench(rig)


@pytest.fixture(scope="session")
def hour(request, rig, bench):
    with stages.told():
        return stages.hour(rig, not request.config.getoption("hour"))


@pytest.fixture(scope="session")
def remote(rig, hour):
    with stages.told():
        return stages.mpremote(rig)


@pytest.fixture(scope="session")
def second(rig, remote):
    """Back to work with Ctrl-D, on the recording with the fault."""
    with stages.told():
        return stages.second_boot(rig)


@pytest.fixture(scope="session")
def crashed(rig, second):
    """Five crashes, safe mode, and the boot after it."""
    with stages.told():
        return stages.crashes(rig)

