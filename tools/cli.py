# SPDX-License-Identifier: Apache-2.0
"""The command line `tocsin`: from recordings to a model, from a model to a board.

Bad input ends with one line that says what to do and exit code 2; a result file appears whole or
not at all.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)

from tools import refusals
from tools.boards.command import deploy, flash
from tools.codegen.command import codegen
from tools.console import register
from tools.refusals import UsageRefused

app = typer.Typer(
    name="tocsin",
    help="Machine health, quality and cold-chain monitoring on stock MicroPython.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
_out = Console(width=None if sys.stdout.isatty() else 140)
_err = Console(stderr=True)


@contextmanager
def _progress(total: int | None, text: str) -> Iterator[Any]:
    """A progress line on stderr where that is a terminal; yields step(description, advance)."""
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=_err,
        transient=True,
        disable=not _err.is_terminal,
    ) as bar:
        task = bar.add_task(text, total=total)

        def step(description: str, advance: int = 1) -> None:
            bar.update(task, description=escape(description), advance=advance)

        yield step


def _write_text(path: Path, text: str) -> None:
    from tools.train.pack import write

    path.parent.mkdir(parents=True, exist_ok=True)
    write(path, text.encode("utf-8"))


def _emit(result: Any, target: str) -> None:
    """JSON to a file, or to standard output for `-`."""
    text = json.dumps(result, indent=1) + "\n"
    if target == "-":
        sys.stdout.write(text)
    else:
        _write_text(Path(target), text)


def _prepared(path: Path, kind: str, rate: float | None, leave_out: list[str]) -> Any:
    """A data set or a single capture, with channels left out and the rate set."""
    from dataclasses import replace

    from tools import captures

    data = captures.open_any(path, kind)
    if rate is not None:
        data = replace(data, rate_hz=rate, interval_s=None)
    unknown = [name for name in leave_out if name not in {c.name for c in data.channels}]
    if unknown:
        names = ", ".join(c.name for c in data.channels)
        raise UsageRefused(f"{data.name} has no channel {unknown[0]!r}; it has {names}")
    return data.without_channels([*leave_out, *data.leaky_channels])


Json = Annotated[
    str | None,
    typer.Option(
        "--json", metavar="FILE", help="Also write the result as JSON; - for standard output."
    ),
]
LeaveOut = Annotated[
    list[str] | None,
    typer.Option("--leave-out", metavar="CHANNEL", help="Leave a channel out; may be repeated."),
]
Rate = Annotated[
    float | None,
    typer.Option(metavar="HZ", min=1e-6, help="Sample rate, where the file does not say."),
]


@app.command()
def train(
    dataset: Annotated[
        Path,
        typer.Argument(help="Data set folder, or one CSV, JSON or npy capture of normal running."),
    ],
    template: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="vibration, quality, cold_chain, operations, or a JSON file."
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(
            metavar="FILE", help="The bundle to write; with several groups NAME-GROUP.tcb."
        ),
    ] = Path("model.tcb"),
    group: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Train one group only (a speed, a room); default: every one that needs a model.",
        ),
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Learn one of the other labels of a data set."),
    ] = None,
    leave_out: LeaveOut = None,
    rate: Rate = None,
    import_model: Annotated[
        Path | None,
        typer.Option(
            "--import-model",
            metavar="FILE",
            help="Wrap an ONNX, TFLite int8 or pickled model instead of fitting one.",
        ),
    ] = None,
    bearing: Annotated[
        str | None,
        typer.Option(
            metavar="GEOMETRY",
            help="Learn a bearing's lines too (BPFO, BPFI, BSF, FTF); sizes in mm.",
        ),
    ] = None,
    rpm: Annotated[
        float | None, typer.Option(metavar="N", help="Shaft speed for --bearing.")
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Also write a device configuration to start from."),
    ] = None,
    device: Annotated[
        str | None,
        typer.Option(metavar="ID", help="With --config: the device's id; default: --out's name."),
    ] = None,
    relay: Annotated[
        int | None,
        typer.Option(metavar="PIN", min=0, help="With --config: a relay for all alarms."),
    ] = None,
    json_file: Json = None,
) -> None:
    """Learn from the train recordings of a data set and write a model bundle.

    Example: `tocsin train recordings/pump --template vibration --out pump.tcb --config pump.json`

    A known bearing: `--bearing balls=9,ball=7.94,pitch=39.04,angle=0 --rpm 1797`
    """
    from tools.train import bearing as bearings
    from tools.train import fit, imported, job
    from tools.train import template as templates
    from tools.train.pack import write_all

    chosen = templates.load(template)
    if bearing is not None:
        chosen = chosen.with_bearing(bearings.parse(bearing, rpm))
    elif rpm is not None:
        raise UsageRefused("--rpm is the speed of a bearing; give --bearing as well")
    data = _prepared(
        dataset, template if template in templates.NAMES else "operations", rate, leave_out or []
    )
    if target is not None:
        data = data.with_target(target)
    fit.refuse_constant(data, data.of_split("train"))
    keys = [group] if group is not None else fit.model_keys(data)
    if not out.parent.is_dir():
        raise UsageRefused(f"{out.parent} is not a folder; create it or choose another --out")
    wish = job.config_wish(config, device, relay, out, keys)
    files: dict[Path, bytes] = {}
    result = []
    with _progress(None, "training") as step:
        for key in keys:
            if import_model is not None:
                trained = imported.train_imported(data, chosen, key, import_model)
            else:
                trained = fit.train(data, chosen, [key], lambda text: step(text, 0))[0]
            path = job.bundle_path(out, key, keys)
            step(f"{key}: self-test", 0)
            files[path] = trained.bundle(data.training(key))
            result.append(job.summary(path, trained, len(files[path])))
    if wish is not None:
        files[wish.file] = job.device_config(wish, chosen, data, trained, out)
    write_all(files)
    if json_file != "-":
        job.show(result, config, _out)
    if json_file:
        _emit({"models": result}, json_file)


@app.command()
def evaluate(
    datasets: Annotated[list[Path], typer.Argument(help="Data set folders, or folders of them.")],
    template: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Template; default: the one of the set's kind."),
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Score with this bundle instead of training one."),
    ] = None,
    group: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="With --model: only recordings of this group."),
    ] = None,
    leave_out: LeaveOut = None,
    rate: Rate = None,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Processes; default: one per processor.")
    ] = None,
    json_file: Json = None,
) -> None:
    """Score test recordings exactly as a device does, the float model and a baseline beside.

    Example: `tocsin evaluate recordings --json build/evaluate.json`
    """
    from tools.datasets import expand
    from tools.train import report

    started = time.monotonic()
    paths = [found for path in datasets for found in expand(path)]
    if model is not None:
        sets = _score_with(model, paths, group, rate, leave_out or [])
    else:
        if group is not None or leave_out or rate is not None:
            raise UsageRefused("--group, --leave-out and --rate go with --model; leave them out")
        files = [p for p in paths if p.is_file()]
        if files:
            raise UsageRefused(
                f"{files[0]} is a single capture; give --model, or import it into a data set"
            )
        with _progress(len(paths), "evaluating") as step:
            sets = report.run(paths, template, jobs, lambda name: step(name))
    seconds = time.monotonic() - started
    failed = [f"{name}: {result['error']}" for name, result in sets.items() if "error" in result]
    if len(failed) == len(sets):
        raise UsageRefused(failed[0])
    text = report.document(sets, seconds)
    if json_file == "-":
        sys.stdout.write(text)
    else:
        report.show(sets, _out)
        _out.print(f"{len(sets) - len(failed)} of {len(sets)} sets in {seconds:.0f} s")
    if json_file and json_file != "-":
        _write_text(Path(json_file), text)
    if failed:
        raise UsageRefused(f"{len(failed)} of {len(sets)} sets not evaluated; {failed[0]}")


def _score_with(
    model: Path, paths: list[Path], group: str | None, rate: float | None, leave_out: list[str]
) -> dict[str, Any]:
    from tools.train import evaluate as evaluation
    from tools.train import report
    from tools.train.bundle_format import decode

    loaded = decode(_read_bytes(model), model.name)
    sets = {}
    for path in paths:
        data = _prepared(path, str(loaded.provenance.get("kind", "operations")), rate, leave_out)
        if group is not None:
            data = data.with_recordings(r for r in data.recordings if r.group == group)
            if not data.recordings:
                raise UsageRefused(
                    f"{data.name} has no recordings of group {group!r}; check the name"
                )
        result = evaluation.evaluate_model(data, loaded)
        sets[data.name] = {**result, "verdict": report.verdict(result)}
    return sets


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise UsageRefused(f"{path} does not exist; give a .tcb file") from None


@app.command()
def inspect(
    model: Annotated[Path, typer.Argument(help="A .tcb bundle.")],
    json_file: Json = None,
) -> None:
    """Show what is in a bundle and run its self-test.

    Example: `tocsin inspect pump.tcb`
    """
    from tools.inspection import describe_bundle, show

    found = describe_bundle(_read_bytes(model), model.name)
    if json_file != "-":
        show(found, _out)
    if json_file:
        _emit(found, json_file)
    if not found["self_test"]["passed"]:
        raise UsageRefused(found["self_test"]["message"])


@app.command("capture-import")
def capture_import(
    files: Annotated[list[Path], typer.Argument(help="CSV, Edge Impulse JSON or npy files.")],
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="The data set folder to write.")],
    kind: Annotated[
        str, typer.Option(help="vibration, quality, cold_chain or operations.")
    ] = "operations",
    label: Annotated[str | None, typer.Option(help="normal, anomalous, or a class name.")] = None,
    split: Annotated[str, typer.Option(help="train or test.")] = "train",
    group: Annotated[
        str, typer.Option(help="What belongs together: a speed, a room, a batch.")
    ] = "all",
    rate: Rate = None,
    scale: Annotated[
        float | None,
        typer.Option(min=1e-12, help="Physical units per stored step; default: fits the data."),
    ] = None,
    add: Annotated[
        bool, typer.Option("--add", help="Add to an existing data set folder.")
    ] = False,
    json_file: Json = None,
) -> None:
    """Turn captures into a data set folder of int16 recordings.

    Example: `tocsin capture-import mon.csv tue.csv --out recordings/pump --label normal`
    """
    from tools import captures
    from tools import datasets as sets

    if kind not in sets.KINDS:
        raise UsageRefused(f"--kind {kind}: use {', '.join(sets.KINDS)}")
    if split not in ("train", "test"):
        raise UsageRefused(f"--split {split}: use train or test")
    if out.exists() and not add:
        raise UsageRefused(f"{out} exists; choose another folder, or --add to extend it")
    labels = captures.Labels(kind, split, label, group)
    with _progress(len(files), "reading") as step:
        read = []
        for path in files:
            read.append(captures.read(path))
            step(path.name)
    channels = sets.load(out).channels if add and sets.is_data_set(out) else None
    data = captures.data_set(read, labels, rate, scale, out.name, channels)
    (captures.add if add else captures.save)(data, out)
    if json_file != "-":
        total = sum(len(r.samples) for r in data.recordings)
        _out.print(f"{escape(str(out))}: {len(data.recordings)} recordings, {total} samples")
        for channel in data.channels:
            _out.print(
                f"  {escape(channel.name)} in steps of {channel.scale:g} {escape(channel.unit)}"
            )
    if json_file:
        _emit(
            {
                "folder": str(out),
                "recordings": [r.name for r in data.recordings],
                "channels": [c.facts() for c in data.channels],
            },
            json_file,
        )


@app.command()
def replay(
    dataset: Annotated[Path, typer.Argument(help="Data set folder, or one capture.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="The file to write.")],
    recording: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="A recording to play, may be repeated; default: those to test with, else all.",
        ),
    ] = None,
    leave_out: LeaveOut = None,
    rate: Rate = None,
) -> None:
    """Write recordings one behind the other as a file for the device's driver `replay`.

    Example: `tocsin replay recordings/pump --recording mon --recording fault --out pump.trec`
    """
    from tools import replay_file
    from tools.train.pack import write

    data = _prepared(dataset, "operations", rate, leave_out or [])
    chosen = replay_file.select(data, recording or [])
    content = replay_file.of_recordings(data, chosen)
    if not out.parent.is_dir():
        raise UsageRefused(f"{out.parent} is not a folder; create it or choose another --out")
    write(out, content)
    total = sum(len(r.samples) for r in chosen)
    _out.print(
        f"{escape(str(out))}: {len(chosen)} recordings, {total} samples, {len(content)} bytes"
    )


for _command in (codegen, flash, deploy):
    app.command()(_command)
register(app)


@app.command()
def demo(
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Where the report goes.")] = Path(
        "build/demo"
    ),
    hours: Annotated[float, typer.Option(min=0.1, max=24, help="Length of the day.")] = 24.0,
) -> None:
    """Run a virtual day of one site on emulated boards and leave a report.

    Example: `tocsin demo --hours 6`
    """
    from tools.demo.run import DemoError, run

    try:
        run(out, hours, 0.0, _out)
    except DemoError as error:
        raise UsageRefused(str(error)) from None


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; every error is one line, bad input exits with 2."""
    try:
        app(args=arguments, prog_name="tocsin", standalone_mode=False)
    except (Exception, KeyboardInterrupt) as error:  # the outermost handler
        return refusals.exit_code(error)
    return 0


if __name__ == "__main__":
    sys.exit(main())
