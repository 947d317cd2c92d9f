# SPDX-License-Identifier: Apache-2.0
"""`tocsin console PORT` and `tocsin config get|set|pull|push PORT`."""

from __future__ import annotations

import codecs
import contextlib
import getpass
import json
import sys
import threading
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.text import Text

from tocsin.config.defaults import complete
from tocsin.config.edit import set_value
from tocsin.config.redaction import MASK, is_secret
from tocsin.config.schema import validate
from tocsin.config.strict import ConfigError, loads
from tools.serial_link import Link, LinkError, open_port, value_of

config = typer.Typer(
    help="Read and change the configuration of a device.", no_args_is_help=True
)
_STYLES = (
    ("error:", "bold red"), (" error ", "red"), (" warn ", "yellow"), ("  alarm", "bold red"),
    ("  warning", "yellow"), ("tripped", "bold red"), ("  normal", "green"),
    ("in force now", "green"), ("after a reset", "yellow"),
)
Port = Annotated[
    str, typer.Argument(metavar="PORT", help="/dev/ttyACM0, COM3, or socket://HOST:PORT.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Answer as JSON on standard output.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command()(console)
    app.add_typer(config, name="config")


def styled(line: str) -> Text:
    """A line of the device in colours."""
    text = Text(line)
    for words, style in _STYLES:
        if words in line:
            text.highlight_words([words.strip()], style)
    return text


def console(
    port: Port,
    plain: Annotated[
        bool, typer.Option("--plain", help="No colours, no history: what the board sends.")
    ] = False,
) -> None:
    """Type commands to a device that is at work; Ctrl-C goes to the board, Ctrl-] leaves.

    Example: `tocsin console /dev/ttyACM0`
    """
    line = open_port(port)
    try:
        if plain or not sys.stdin.isatty():
            pass_through(line, sys.stdin)
        else:
            _interactive(line)
    finally:
        line.close()


def pass_through(line: Any, source: Any) -> None:
    """Lines from `source` to the board, its answers to standard output, until both are quiet."""
    for text in source:
        line.write(text.rstrip("\n").encode() + b"\r")
        _drain(line, 0.3)
    _drain(line, 1.0)


def _drain(line: Any, quiet_s: float) -> None:
    idle, decoder = 0.0, codecs.getincrementaldecoder("utf-8")("replace")
    while idle < quiet_s:
        data = line.read(max(1, line.in_waiting))
        idle = 0.0 if data else idle + 0.05
        sys.stdout.write(decoder.decode(data).replace("\r\n", "\n"))
    sys.stdout.flush()


def _interactive(line: Any) -> None:
    """Prompt with history; answers in colours, log lines as they come."""
    with contextlib.suppress(ImportError):
        import readline  # noqa: F401  (input() gets history and editing)
    shown = Console()
    stop = threading.Event()
    reader = threading.Thread(target=_show, args=(line, shown, stop), daemon=True)
    line.write(b"\x15who " + _user().encode() + b"\r")
    reader.start()
    shown.print("Ctrl-C: Python prompt of the board; Ctrl-D there: back to work; exit leaves")
    try:
        while True:
            try:
                text = input()
            except KeyboardInterrupt:
                line.write(b"\x03")
                continue
            except EOFError:
                line.write(b"\x04")
                continue
            if text.strip() in ("exit", "quit"):
                return
            line.write(text.encode() + b"\r")
    finally:
        stop.set()
        reader.join(1)


def _show(line: Any, shown: Console, stop: threading.Event) -> None:
    """Print what the board sends, line by line."""
    rest = b""
    while not stop.is_set():
        try:
            rest += line.read(max(1, line.in_waiting))
        except OSError:
            shown.print("the line broke; plug it in again", style="bold red")
            return
        *lines, rest = rest.split(b"\n")
        for data in lines:
            text = data.decode("utf-8", "replace").strip("\r").rpartition("\x1b[K")[2]
            if not text.startswith("> "):   # the echo of what was typed here
                shown.print(styled(text))


def _user() -> str:
    """The host's user as a name for the audit log."""
    try:
        name = getpass.getuser().lower()
    except (OSError, KeyError):
        name = ""
    return "".join(c for c in name if "a" <= c <= "z")[:32] or "host"


def _link(port: str) -> Link:
    link = Link(open_port(port))
    link.ask("who " + _user())
    return link


def _print(value: Any) -> None:
    sys.stdout.write(json.dumps(value, indent=1, ensure_ascii=False) + "\n")


@config.command("get")
def get(
    port: Port,
    path: Annotated[str, typer.Argument(help="Such as alarms.temp_high.limit.")],
    as_json: AsJson = False,
) -> None:
    """One value with its unit.

    Example: `tocsin config get /dev/ttyACM0 alarms.temp_high.limit`
    """
    with _link(port) as link:
        lines = link.ask("show " + path)
    if not as_json:
        for line in lines:
            sys.stdout.write(line + "\n")
        return
    found: dict[str, Any] = {}
    for line in lines:
        own = line.split(" = ", 1)[0]
        if own != line:
            value, unit, waits = value_of(line, own)
            found[own] = {"value": value, "unit": unit, "after_reset": waits}
    _print(found[path] if list(found) == [path] else found)


@config.command("set")
def set_(
    port: Port,
    path: Annotated[str, typer.Argument(help="Such as alarms.temp_high.limit.")],
    value: Annotated[str, typer.Argument(help="The new value; a unit may follow it.")],
    as_json: AsJson = False,
) -> None:
    """Change one value: checked here, then on the device, saved there as a whole.

    Example: `tocsin config set /dev/ttyACM0 alarms.temp_high.limit 8.0`
    """
    with _link(port) as link:
        _check_change(link, path, value)
        answer = " ".join(link.ask(f"set {path} {value}"))
    if as_json:
        _print({"path": path, "answer": answer, "after_reset": "after a reset" in answer})
    else:
        sys.stdout.write(answer + "\n")


def _check_change(link: Link, path: str, value: str) -> None:
    """Refuse a wrong value before it goes to the device. Raises LinkError."""
    full = complete(_unmasked(link.config()))
    unit = ""
    with contextlib.suppress(LinkError):   # the change itself says what is wrong
        shown = link.ask("show " + path)
        unit = value_of(shown[0], path)[1] if shown else ""
    rule: Any = full
    for part in path.split(".")[:-1]:
        rule = rule.get(part) if isinstance(rule, dict) else {}
    known = {rule["source"]: unit} if isinstance(rule, dict) and "source" in rule else None
    set_value(full, path, value, known)


def _unmasked(value: Any, secret: bool = False) -> Any:
    """Masked secrets as texts of their own, so that the rest can be checked."""
    if isinstance(value, dict):
        return {key: _unmasked(value[key], is_secret(key)) for key in value}
    return "masked" if secret and value == MASK else value


@config.command("pull")
def pull(
    port: Port,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Default: standard output.")
    ] = None,
) -> None:
    """The whole configuration; secrets come as *** and are kept when it is pushed back.

    Example: `tocsin config pull /dev/ttyACM0 --out fridge.json`
    """
    with _link(port) as link:
        found = link.config()
    if out is None:
        _print(found)
        return
    from tools.train.pack import write

    write(out, (json.dumps(found, indent=1, ensure_ascii=False) + "\n").encode())
    sys.stdout.write(f"{out}: {len(found.get('alarms', {}))} alarms\n")


@config.command("push")
def push(
    port: Port,
    file: Annotated[Path, typer.Argument(help="A device configuration, JSON.")],
    as_json: AsJson = False,
) -> None:
    """Replace the configuration: checked here and on the device, which keeps old or new, whole.

    Example: `tocsin config push /dev/ttyACM0 fridge.json`
    """
    given: Any = None
    try:
        given = loads(file.read_bytes())
        problems = validate(_unmasked(given))
    except ConfigError as error:
        problems = error.problems
    if problems:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise LinkError(f"{file}: {problems[0]}{more}")
    bar = Progress(
        TextColumn("sending"), BarColumn(), console=Console(stderr=True), transient=True,
        disable=not sys.stderr.isatty(),
    )
    with _link(port) as link, bar:
        task = bar.add_task("sending")
        answer = link.push(given, lambda sent, of: bar.update(task, completed=sent, total=of))
    unknown = _unknown_drivers(given)
    if as_json:
        _print({"file": str(file), "answer": answer, "unknown_drivers": unknown})
        return
    sys.stdout.write(answer + "\n")
    for name in unknown:
        sys.stdout.write(
            f"no driver {name} comes with this version: its pipeline will not run, unless the "
            f"board has /firmware/drivers/{name}.py of your own\n"
        )


def _unknown_drivers(config: dict[str, Any]) -> list[str]:
    """Drivers that a valid configuration names and no deployment of this version brings."""
    from tools.boards.files import drivers_of
    from tools.mpy import ROOT

    names = drivers_of(json.dumps(config).encode())
    return [n for n in names if not (ROOT / "firmware" / "drivers" / f"{n}.py").is_file()]
