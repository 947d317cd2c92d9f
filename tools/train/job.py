# SPDX-License-Identifier: Apache-2.0
"""What `tocsin train` leaves: bundles, the configuration of a device, a summary of both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tools.datasets import DataSet
from tools.train import starting
from tools.train.describe import describe
from tools.train.fit import Trained
from tools.train.template import Template

_HEADS = ("bundle", "bytes", "window", "features", "clusters", "classifier", "mean score error",
          "same verdict")  # fmt: skip


class JobError(ValueError):
    """Options of a training that do not go together; the message says what to change."""


@dataclass(frozen=True)
class ConfigWish:
    """The options of a device configuration: its file, the device's id, a relay's pin."""

    file: Path
    device: str | None = None
    relay: int | None = None


def config_wish(
    file: Path | None, device: str | None, relay: int | None, out: Path, keys: Sequence[str]
) -> ConfigWish | None:
    """The wish that some options are, or None. Raises JobError before any work is done."""
    if file is None:
        if device is not None or relay is not None:
            raise JobError("--device and --relay are for the file of --config; give that as well")
        return None
    if len(keys) > 1:
        raise JobError(
            f"--config is for one model, but there are {len(keys)}: choose one with --group, "
            f"such as {keys[0]}"
        )
    if not file.parent.is_dir():
        raise JobError(f"{file.parent} is not a folder; create it or choose another --config")
    if file.resolve() == out.resolve():
        raise JobError(f"--config and --out are both {file}; choose another --config")
    return ConfigWish(file, device, relay)


def bundle_path(out: Path, key: str, keys: Sequence[str]) -> Path:
    """Where the bundle of one group goes: NAME-GROUP.tcb where there are several."""
    if len(keys) == 1:
        return out
    group = "".join(c if c.isalnum() or c in "-_" else "_" for c in key)
    return out.with_name(f"{out.stem}-{group}{out.suffix}")


def device_config(
    wish: ConfigWish, template: Template, data: DataSet, trained: Trained, out: Path
) -> bytes:
    """The content of the configuration file. Raises `starting.StartingError`."""
    pipeline = starting.identifier(out.stem)
    device = starting.Device(
        id=wish.device if wish.device is not None else pipeline,
        pipeline=pipeline,
        model=out.name,
        replay=f"{pipeline}.trec",
        relay=wish.relay,
    )
    config = starting.configuration(
        template, trained.config, trained.model.classes, data.stacked, device
    )
    return starting.text(config).encode("utf-8")


def summary(path: Path, trained: Trained, size: int) -> dict[str, Any]:
    """What is told about one bundle."""
    model = trained.model
    return {
        "file": str(path),
        "bytes": size,
        "group": trained.key,
        "window": trained.config["window"],
        "features": model.n_features,
        "watched": [f["name"] for f in describe(trained.config) if f["watch"]],
        "bearing_lines": bearing_lines(trained.config),
        "clusters": 0 if model.clusters is None else len(model.clusters.centroids),
        "classifier": "forest" if model.forest is not None else "mlp" if model.network else None,
        "classes": model.classes,
        "trials": trained.trials,
        "quantisation": {k: round(float(v), 6) for k, v in trained.cost.items()},
    }


def bearing_lines(config: dict[str, Any]) -> list[str]:
    """Names of the lines that the envelope features look at."""
    return sorted({n for f in config["features"] for n in f.get("labels", ()) if "lines" in f})


def show(result: Sequence[dict[str, Any]], config: Path | None, console: Console) -> None:
    """Print the summaries as a table, and what else was written."""
    table = Table(box=None, pad_edge=False)
    for head in _HEADS:
        table.add_column(head, justify="left" if head == "bundle" else "right", overflow="fold")
    for row in result:
        cost = row["quantisation"]
        table.add_row(
            escape(row["file"]),
            str(row["bytes"]),
            str(row["window"]),
            str(row["features"]),
            str(row["clusters"]),
            row["classifier"] or "-",
            f"{cost.get('score_error_mean', 0.0):.4f}",
            f"{100 * cost.get('verdict_agreement', 1.0):.2f} %",
        )
    console.print(table)
    for row in result:
        if row["bearing_lines"]:
            console.print(f"bearing lines: {', '.join(row['bearing_lines'])}")
    if config is not None:
        console.print(
            f"{escape(str(config))}: a configuration to start from; its limits are the "
            "template's, so check them"
        )
