# SPDX-License-Identifier: Apache-2.0
"""`tocsin codegen`: options, files, what is printed."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape


def codegen(
    model: Annotated[Path, typer.Argument(help="A .tcb bundle.")],
    arch: Annotated[
        str,
        typer.Option(
            metavar="ARCH",
            help="armv6m (RP2040), armv7emsp (RP2350), xtensawin (ESP32, S2, S3) or rv32imc "
            "(ESP32-C3, C6).",
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="A .mpy for the board, or a .py to read; default: the bundle's name with .mpy.",
        ),
    ] = None,
    json_file: Annotated[
        str | None,
        typer.Option(
            "--json", metavar="FILE", help="Also write the figures as JSON; - for standard output."
        ),
    ] = None,
) -> None:
    """Write machine code for one model: the same scores in fewer cycles.

    The module is verified on an emulated processor with the bundle's vectors and 1,000 random
    inputs, and written only if it gains. Put it beside the bundle in /models.

    Example: `tocsin codegen pump.tcb --arch armv6m`
    """
    from tools import cli
    from tools.codegen.generate import CodegenError, generate
    from tools.train.pack import write

    target = model.with_suffix(".mpy") if out is None else out
    _check_target(target, model)
    data = cli._read_bytes(model)
    with cli._progress(None, "verifying") as step:
        found = generate(data, model.name, arch, lambda: step("verifying"))
    gain = found.gain
    if not gain.worth_it:
        raise CodegenError(f"{model.name}: the generic interpreter is as good: {gain.text()}")
    write(target, found.mpy if target.suffix == ".mpy" else found.source.encode())
    if json_file != "-":
        _show(cli._out, target, gain)
    if json_file:
        cli._emit({"file": str(target), **gain.facts()}, json_file)


def _check_target(target: Path, model: Path) -> None:
    """Raises CodegenError for a file that a board could not use."""
    from tools.codegen.generate import CodegenError

    if target.suffix not in (".mpy", ".py"):
        raise CodegenError(f"--out {target.name}: give a .mpy for the board or a .py to read")
    if "." in target.stem:
        raise CodegenError(f"{target.name}: a board can't import a name with dots; rename it")
    if target.suffix == ".mpy" and target.stem != model.stem:
        raise CodegenError(
            f"--out {target.name}: a board looks for {model.stem}.mpy beside {model.name}"
        )
    if not target.parent.is_dir():
        raise CodegenError(f"{target.parent} is not a folder; create it or choose another --out")


def _show(console: Any, target: Path, gain: Any) -> None:
    console.print(f"{escape(str(target))}: {gain.text()}")
    console.print(
        f"verified on an emulated processor: {gain.vectors} vectors of the bundle, "
        f"{gain.random_inputs:,} random inputs"
    )
