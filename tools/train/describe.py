# SPDX-License-Identifier: Apache-2.0
"""Names and physical units of the outputs of a resolved configuration, for people and alarms."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Mapping
from typing import Any

from tocsin.dsp import table
from tocsin.dsp.table import UNIT, Q, outputs, row

_ABSOLUTE = {
    "mean", "level", "ewma", "value", "min", "max", "block_means", "resample", "image_means",
    "image_mins",
}  # fmt: skip
_VELOCITY_TOP_HZ = 1000
_DB = 10 * math.log10(2) / 256
_ZERO = {"std_log2": 0, "velocity_log2": 4096}


def feature_names(config: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return (name, physical unit) of every output, in the order of the vector."""
    return [(output["name"], output["unit"]) for output in describe(config)]


def kind_texts() -> dict[str, str]:
    """Return what each kind is, from the comments of the feature table."""
    rows = re.findall(r'^    "(\w+)": "[^"]*",  # (.+)$', inspect.getsource(table), re.MULTILINE)
    return dict(rows)


def markdown_table() -> str:
    """Return the feature table as the README shows it."""
    lines = ["| kind | outputs | unit | Q | module | what it is |", "|---|---|---|---|---|---|"]
    for kind, text in kind_texts().items():
        module, count, unit, q = row({"kind": kind})
        count = "1" if count == "1" else f"`{count}`"
        lines.append(f"| `{kind}` | {count} | {unit} | {q} | {module} | {text} |")
    return "\n".join(lines) + "\n"


def describe(config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return for every output name, channel, kind, text, unit, scale, offset, watch (see resolve).

    Physical value = output * scale + offset, in `unit`. Energies become dB re 1 unit of the
    channel (the envelope's: re 1 unit squared). Names are unique.
    """
    texts = kind_texts()
    result: list[dict[str, Any]] = []
    seen: dict[str, int] = {}
    for feature in config["features"]:
        channel = config["channels"][feature["channel"]]
        unit, scale, offset = _physical(feature, channel, config)
        for label in _labels(feature, config):
            name = f"{channel['name']} {label}"
            seen[name] = seen.get(name, 0) + 1
            if seen[name] > 1:
                name = f"{name} ({seen[name]})"
            result.append(
                {
                    "name": name,
                    "channel": channel["name"],
                    "kind": feature["kind"],
                    "text": texts[feature["kind"]],
                    "unit": unit,
                    "scale": scale,
                    "offset": offset,
                    "watch": bool(feature.get("watch")),
                }
            )
    return result


def seconds_per_sample(facts: Mapping[str, Any]) -> float | None:
    """Return the time between samples of a data set or a resolved configuration, if known."""
    if facts.get("rate_hz"):
        return 1.0 / float(facts["rate_hz"])
    if facts.get("rate_mhz"):
        return 1000.0 / facts["rate_mhz"]
    if facts.get("interval_s"):
        return float(facts["interval_s"])
    if facts.get("interval_ms"):
        return facts["interval_ms"] / 1000.0
    return None


def _bin_width(feature: Mapping[str, Any], config: Mapping[str, Any]) -> tuple[float, str]:
    """Width of one bin of the feature's spectrum and its unit."""
    if config.get("domain") == "spectrum":
        return float(config.get("bin_width", 1.0)), config.get("bin_unit", "bin")
    points = feature["n"] * feature.get("decimation", 1)
    second = seconds_per_sample(config)
    return (1 / points, "cycles/sample") if second is None else (1 / (points * second), "Hz")


def _physical(
    feature: Mapping[str, Any], channel: Mapping[str, Any], config: Mapping[str, Any]
) -> tuple[str, float, float]:
    kind = feature["kind"]
    unit = row(dict(feature))[UNIT]
    step = 2.0 ** -feature.get("q", row(dict(feature))[Q])
    scale = channel.get("scale", 1.0)
    second = seconds_per_sample(config)
    if unit == "LSB":
        offset = channel.get("offset", 0.0) if kind in _ABSOLUTE else 0.0
        return channel.get("unit", ""), scale * step, offset
    if unit == "log2":
        zero = 0 if config.get("domain") == "spectrum" else _ZERO.get(kind, 2048)
        if kind == "velocity_log2":
            return "dB re 1 mm/s", _DB, -zero * _DB
        power = 40 if kind.startswith("envelope") else 20
        square = "²" if power == 40 else ""
        reference = f"dB re 1 {channel.get('unit') or 'LSB'}{square}"
        return reference, _DB, power * math.log10(abs(scale)) - zero * _DB
    if unit == "bin":
        width, name = _bin_width(feature, config)
        return name, width * step, 0.0
    if unit == "share":
        return "%", 100 * step, 0.0
    if unit == "sample":
        return ("samples", step, 0.0) if second is None else ("s", step * second, 0.0)
    if unit == "window":
        if second is None:
            return "windows", step, 0.0
        return "s", step * second * config["hop"], 0.0
    return "" if unit in ("ratio", "count") else unit, step, 0.0


def _labels(feature: Mapping[str, Any], config: Mapping[str, Any]) -> list[str]:
    """The part of the name behind the channel, one per output."""
    kind = feature["kind"]
    words = kind.replace("_", " ")
    if kind in ("band_log2", "envelope_band_log2"):
        width, unit = _bin_width(feature, config)
        edges = feature["edges"]
        prefix = "envelope " if kind.startswith("envelope") else ""
        return [
            f"{prefix}{edges[i] * width:.4g}-{edges[i + 1] * width:.4g} {unit}"
            for i in range(0, len(edges), 2)
        ]
    if kind.startswith("velocity") and feature["hi"] == feature["n"] // 2:
        width, unit = _bin_width(feature, config)
        if feature["hi"] * width < _VELOCITY_TOP_HZ:
            return [f"{words} to {feature['hi'] * width:.4g} {unit}"]
    if kind == "envelope_lines":
        names = feature.get("labels") or [f"line {i + 1}" for i in range(len(feature["lines"]))]
        return [f"envelope {name}" for name in names]
    if kind.startswith("image"):
        rows, columns = feature["grid"]
        return [f"{words} r{i + 1} c{j + 1}" for i in range(rows) for j in range(columns)]
    if kind == "value":
        return [f"[{feature['index']}]"] if feature.get("index") else ["value"]
    count = outputs(dict(feature))
    if count > 1:
        return [f"{words} {i + 1}/{count}" for i in range(count)]
    if feature.get("n", 1) > 1 and "window_fn" not in feature:
        return [f"{words} {_span(feature['n'], config)}"]
    return [words]


def _span(samples: int, config: Mapping[str, Any]) -> str:
    second = seconds_per_sample(config)
    if second is None:
        return f"{samples} samples"
    seconds = samples * second
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.4g} {unit}"
    return f"{seconds:.4g} s"


if __name__ == "__main__":
    print(markdown_table(), end="")
