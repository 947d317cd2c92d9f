# SPDX-License-Identifier: Apache-2.0
"""What `tocsin inspect` shows of a bundle."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tocsin.models.bundle import BundleError, parse
from tocsin.models.selftest import verify
from tools.train.bundle_format import Model, decode
from tools.train.describe import describe


def describe_bundle(data: bytes, name: str) -> dict[str, Any]:
    """Everything worth knowing about a bundle. Raises BundleError where a device refuses it."""
    model = decode(data, name)
    conf = model.conf
    return {
        "name": name,
        "bytes": len(data),
        "provenance": model.provenance,
        "input": {
            "window": conf["window"],
            "hop": conf.get("hop"),
            "domain": conf.get("domain"),
            "rate_hz": conf["rate_mhz"] / 1000 if conf.get("rate_mhz") else None,
            "interval_s": conf["interval_ms"] / 1000 if conf.get("interval_ms") else None,
            "channels": conf["channels"],
        },
        "features": [
            {k: f[k] for k in ("name", "unit", "scale", "offset", "text", "watch")}
            for f in describe(conf)
        ],
        "parts": _parts(model),
        "classes": model.classes,
        "decision": parse(data, name).decision,
        "self_test": _self_test(data, name),
    }


def _parts(model: Model) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = []
    if model.projection is not None:
        rows, columns = model.projection.matrix.shape
        parts.append({"part": "whitening", "inputs": columns, "outputs": rows})
    if model.clusters is not None:
        k, n = model.clusters.centroids.shape
        parts.append({"part": "clusters", "inputs": n, "outputs": k})
    if model.network is not None:
        for layer in model.network.layers:
            outputs, inputs = layer.weights.shape
            parts.append({"part": "int8 layer", "inputs": inputs, "outputs": outputs})
        parts[-1]["part"] += f" ({model.network.head})"
    if model.forest is not None:
        forest = model.forest
        parts.append(
            {
                "part": f"forest of {len(forest.roots)} trees, {len(forest.feature)} nodes",
                "inputs": model.n_features,
                "outputs": forest.table.shape[1],
            }
        )
    return parts


def _self_test(data: bytes, name: str) -> dict[str, Any]:
    bundle = parse(data, name)
    if bundle.section("VECT") is None:
        return {
            "passed": False,
            "vectors": 0,
            "message": f"{name}: no self-test vectors; train it again",
        }
    try:
        count = verify(bundle)
    except BundleError as error:
        return {"passed": False, "vectors": 0, "message": str(error)}
    return {"passed": True, "vectors": count, "message": f"{count} vectors passed"}


def show(found: dict[str, Any], console: Console) -> None:
    """Print what `describe_bundle` found."""
    facts, source = found["input"], found["provenance"]
    rate = facts["rate_hz"]
    per = (
        f"{rate:g} Hz"
        if rate
        else f"every {facts['interval_s']:g} s"
        if facts["interval_s"]
        else "rate unknown"
    )
    console.print(f"[bold]{escape(found['name'])}[/bold], {found['bytes']} bytes")
    origin = ", ".join(
        f"{k} {v}" for k, v in source.items() if isinstance(v, (str, int)) and k != "sha256"
    )
    console.print(f"made from   {escape(origin)}")
    console.print(f"data        sha256 {str(source.get('sha256', 'unknown'))[:16]}")
    channels = ", ".join(
        f"{c['name']} [{c['unit']}]" if c["unit"] else c["name"] for c in facts["channels"]
    )
    console.print(
        f"input       {facts['window']} samples, hop {facts['hop']}, {per}: {escape(channels)}"
    )
    for part in found["parts"]:
        console.print(f"model       {escape(part['part'])}, {part['inputs']} -> {part['outputs']}")
    if found["classes"]:
        console.print(f"classes     {escape(', '.join(found['classes']))}")
    decision = found["decision"]
    vote = decision["vote"]
    console.print(
        f"alarm       score >= {decision['threshold'] / 256:g} (1 = edge of normal), "
        f"{vote['m']} of {vote['n']} windows, smoothing {escape(str(decision['smoothing']))}"
    )
    cost = source.get("quantisation") or {}
    if cost:
        text = ", ".join(f"{k.replace('_', ' ')} {v:g}" for k, v in cost.items())
        console.print(f"integers    {escape(text)}")
    console.print(f"self-test   {escape(found['self_test']['message'])}")
    table = Table(box=None, pad_edge=False)
    for head in ("#", "feature", "unit", "per step", "what it is"):
        table.add_column(
            head, justify="right" if head in ("#", "per step") else "left", overflow="fold"
        )
    for index, feature in enumerate(found["features"]):
        table.add_row(
            str(index),
            escape(feature["name"]),
            escape(feature["unit"]),
            f"{feature['scale']:.6g}",
            escape(feature["text"]) + (", watched only" if feature["watch"] else ""),
        )
    console.print(table)
