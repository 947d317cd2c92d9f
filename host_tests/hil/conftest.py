# SPDX-License-Identifier: Apache-2.0
"""Options of the suite, the board it runs on, and what it measured, as a table at the end.

Without --port nothing in this folder is collected.
"""

import contextlib
import time
from pathlib import Path

import pytest

from host_tests.hil import backup, stages, subject
from host_tests.hil.rig import HilError, Rig, compiled, detect, plainly
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
def stage(request):
    """A context manager around a stage: tells its name, and what the board did wrong in a line."""
    reporter = request.config.pluginmanager.getplugin("terminalreporter")
    began = time.monotonic()

    @contextlib.contextmanager
    def stage(name):
        seconds = round(time.monotonic() - began)
        reporter.write_line(f"\n  {seconds // 60}:{seconds % 60:02d} {name}")
        wrong = None
        try:
            with plainly():
                yield
        except HilError as error:
            wrong = str(error)
        if wrong:
            pytest.fail(wrong, pytrace=False)

    return stage


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
def rig(request, stage, port, figures, tmp_path_factory):
    """The board, stopped; what it held is kept and put back at the end."""
    wait = request.config.getoption("line_timeout")
    wait = wait or (_EMULATED_S if port.startswith("socket:") else _SERIAL_S)
    folder = backup.folder_of(ROOT / "build" / "hil", port)
    if request.config.getoption("port") == "emulated":  # nobody will want its files
        folder = tmp_path_factory.mktemp("backup") / "emulated"
    try:
        with plainly():
            made = Rig(port, request.config.getoption("board") or detect(port, wait), wait)
            backup.save(made, folder)
    except HilError as error:
        pytest.exit(str(error), 2)
    figures(("board", made.board, ""))
    yield made
    if request.config.getoption("keep"):
        figures(("what the board held before", str(folder), "not put back: --keep"))
        return
    with stage("putting back what the board held"):
        backup.restore(made, folder)
        made.reset()


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
def deployed(stage, rig, things):
    with stage("deploying, twice"):
        return stages.deploy(rig, things)


@pytest.fixture(scope="session")
def first(stage, rig, deployed):
    """The first boot with everything on the board, and what a technician does then."""
    with stage("first boot, console, commissioning"):
        return stages.first_boot(rig)


@pytest.fixture(scope="session")
def bench(stage, rig, first):
    """The last stage: it takes the app out of memory."""
    with stage("times"):
        return stages.bench(rig)


@pytest.fixture(scope="session")
def hour(request, stage, rig, first):
    with stage("an hour of windows"):
        return stages.hour(rig, not request.config.getoption("hour"))


@pytest.fixture(scope="session")
def remote(stage, rig, first):
    with stage("mpremote"):
        return stages.mpremote(rig)


@pytest.fixture(scope="session")
def second(stage, rig, first):
    """Back to work with Ctrl-D, on the recording with the fault."""
    with stage("second boot, alarm"):
        return stages.second_boot(rig)


@pytest.fixture(scope="session")
def crashed(stage, rig, first):
    """Five crashes, safe mode, and the boot after it."""
    with stage("five crashes, safe mode"):
        return stages.crashes(rig)

