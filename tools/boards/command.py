# SPDX-License-Identifier: Apache-2.0
"""`tocsin flash` and `tocsin deploy`: options, progress, what is printed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

BoardName = Annotated[
    str, typer.Argument(metavar="BOARD", help="A name of board_configs, or a JSON file.")
]
Json = Annotated[
    str | None,
    typer.Option(
        "--json", metavar="FILE", help="Also write the result as JSON; - for standard output."
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Check everything, write nothing.")]


def flash(
    board: BoardName,
    port: Annotated[
        str,
        typer.Argument(
            metavar="PORT",
            help="Serial port; for a Pico also the folder of its BOOTSEL drive, or auto.",
        ),
    ],
    image: Annotated[
        Path, typer.Option(metavar="FILE", help="MicroPython image: .uf2, ESP32 family .bin.")
    ],
    erase: Annotated[
        bool, typer.Option("--erase", help="ESP32: erase the whole flash first, files too.")
    ] = False,
    dry_run: DryRun = False,
) -> None:
    """Put MicroPython on a board, once image and chip are known to fit.

    Example: `tocsin flash rpi_pico_w auto --image RPI_PICO_W-20260901-v1.29.0.uf2`

    Example: `tocsin flash esp32_s3 /dev/ttyACM0 --image ESP32_GENERIC_S3-20260901-v1.29.0.bin`
    """
    from tools import cli
    from tools.boards import config, images
    from tools.boards import flash as flasher

    chosen = config.load(board)
    checked = images.read(image, chosen)
    what = f"MicroPython {checked.version} for {chosen.name}, {len(checked.data):,} bytes"
    if dry_run:
        cli._out.print(f"{escape(str(image))}: {escape(what)}; nothing written")
        return
    done = [0]
    with cli._progress(len(checked.data), "flashing") as advance:

        def step(total: int) -> None:
            advance("flashing", total - done[0])
            done[0] = total

        where = flasher.flash(checked, port, chosen, erase, step)
    cli._out.print(f"{escape(where)}: {escape(what)}")


def deploy(
    board: BoardName,
    port: Annotated[
        str, typer.Argument(metavar="PORT", help="Serial port, or socket://HOST:PORT.")
    ],
    template: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="For a board without a configuration: this template's sensor and safe limits.",
        ),
    ] = None,
    sensor: Annotated[
        str | None, typer.Option(metavar="DRIVER", help="With --template: what reads the sensor.")
    ] = None,
    model: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="A .tcb bundle, or its .mpy; may be repeated."),
    ] = None,
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The device's configuration.")
    ] = None,
    file: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Another file for /, such as a recording; repeatable."),
    ] = None,
    format_first: Annotated[
        bool, typer.Option("--format", help="Erase every file: a new littlefs first.")
    ] = False,
    reset: Annotated[bool, typer.Option(help="Start the board afresh at the end.")] = True,
    timeout: Annotated[
        float, typer.Option(metavar="S", min=1, help="How long the board may be silent.")
    ] = 10.0,
    dry_run: DryRun = False,
    json_file: Json = None,
) -> None:
    """Bring a board up to date: compile, send what changed, verify, restart.

    Unplugged at any moment the board boots what it had or what it gets, never a mixture; the same
    command goes on where it stopped.

    Example: `tocsin deploy rpi_pico_w /dev/ttyACM0 --model pump.tcb --config config.json`

    Example: `tocsin deploy rpi_pico_w /dev/ttyACM0 --template cold_chain --dry-run`
    """
    from tools import cli
    from tools.boards import config as boards
    from tools.boards import deploy as deploying
    from tools.boards.errors import LinkLost
    from tools.boards.link import Link

    if (template is None and sensor is not None) or (template and config):
        raise cli.UsageRefused(
            "--sensor goes with --template, and --template without --config; choose one way"
        )
    chosen = boards.load(board)
    content = _content(chosen, template, sensor, config, model or [], file or [])
    with cli._progress(None, "connecting"):
        link = Link(port, timeout)
    done = None
    try:
        with cli._progress(None, "comparing"):
            if format_first and not dry_run:
                deploying.format_board(link, chosen)
            plan = deploying.plan_for(link, chosen, content)
        if not dry_run and not plan.nothing:
            with cli._progress(plan.steps, "sending") as advance:
                done = deploying.carry_out(link, plan, advance)
    except LinkLost:
        reset = False  # there is nobody to be told
        raise
    finally:  # refused or done: the board goes back to work
        if reset:
            link.reset()
        link.close()
    if json_file != "-":
        _show(cli._out, port, plan, done, dry_run)
        if not dry_run:
            _advise(cli._out, port, chosen, content, plan)
    if json_file:
        cli._emit(_facts(plan, done), json_file)


def _content(
    board: Any, template: str | None, sensor: str | None, config: Path | None,
    models: list[Path], extra: list[Path],
) -> Any:  # fmt: skip
    """Everything that belongs on the board. Raises BoardError."""
    from tools.boards import files, starting

    data = files.data(board, config, models, extra)
    first = None
    if template is not None:
        bundles = [path.name for path in models if path.suffix == ".tcb"]
        first = starting.configuration(template, sensor, bundles[0] if bundles else None, board)
    return files.Content(files.program(board), data, first)


def _show(console: Any, port: str, plan: Any, done: Any, dry_run: bool) -> None:
    from tools.boards.files import summary

    if dry_run:
        for path, data in plan.changed.items():
            console.print(f"  {escape(path)}  {len(data):,} bytes", highlight=False)
        for path in plan.gone:
            console.print(f"  {escape(path)}  removed", highlight=False)
    if plan.nothing:
        console.print(f"{escape(port)}: up to date, {summary(plan.wanted)}")
        return
    text = f"{escape(port)}: {summary(plan.changed)} of {summary(plan.wanted)}"
    if plan.gone:
        text += f", {len(plan.gone)} removed"
    if done is None:
        console.print(f"{text}; {len(plan.pack):,} bytes to send, nothing written")
        return
    went_on = f", {done.resumed:,} were there" if done.resumed else ""
    console.print(f"{text}; {done.sent:,} bytes sent{went_on}, verified by SHA-256")


def _advise(console: Any, port: str, board: Any, content: Any, plan: Any) -> None:
    """After --template: what to do with the board now."""
    from tools.boards import files, starting

    if plan.kept:
        console.print("/config.json of the board is kept; --config FILE replaces it, "
                      "tocsin console changes it")  # fmt: skip
    elif content.starting is not None and files.CONFIG in plan.changed:
        for number, step in enumerate(starting.next_steps(content.starting, port, board), 1):
            console.print(f"next {number}. {escape(step)}", highlight=False)


def _facts(plan: Any, done: Any) -> dict[str, Any]:
    return {
        "files": {path: len(data) for path, data in plan.changed.items()},
        "removed": plan.gone,
        "config_kept": plan.kept,
        "pack_bytes": len(plan.pack),
        "sent_bytes": done.sent if done else 0,
        "resumed_bytes": done.resumed if done else 0,
    }
