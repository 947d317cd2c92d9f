# SPDX-License-Identifier: Apache-2.0
"""A rolling bearing that is known: its geometry and speed as features of a waveform.

The lines BPFO, BPFI, BSF and FTF with their harmonics are looked for in the envelope spectrum
(`envelope_lines`). A stream's window grows, up to 2048 samples, until the slowest line lies two
bins above zero; what cannot be told apart even then is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tocsin.config.strict import ConfigError, parse_number
from tocsin.monitor.vibration import bearing_frequencies

EXAMPLE = "balls=9,ball=7.94,pitch=39.04,angle=0"
_KEYS = {"balls": "balls", "ball": "ball_diameter", "pitch": "pitch_diameter",
         "angle": "angle_deg"}  # fmt: skip
_FAULTS = ("bpfo", "bpfi", "bsf", "ftf")
_HARMONICS = 3
_TOLERANCE = 0.02
_LEAST_BINS = 2
_LONGEST = 2048
_LEAST_VALUES = 64
_MOST_DECIMATION = 64
_MOST_RPM = 1e6


class BearingError(ValueError):
    """A bearing that cannot be used; the message says what to change."""


def parse(text: str, rpm: float | None) -> dict[str, Any]:
    """`balls=9,ball=7.94,pitch=39.04,angle=0` (mm, degrees) and a speed as a template's `bearing`.

    Raises BearingError for anything that is not exactly that.
    """
    found: dict[str, float] = {}
    for item in text.split(","):
        key, separator, value = (part.strip() for part in item.partition("="))
        if not separator or key not in _KEYS:
            raise BearingError(f"--bearing {item.strip()!r}: write it like {EXAMPLE}")
        if _KEYS[key] in found:
            raise BearingError(f"--bearing names {key} twice; give it once")
        found[_KEYS[key]] = _number(key, value)
    lacking = [key for key in ("balls", "ball", "pitch") if _KEYS[key] not in found]
    if lacking:
        raise BearingError(f"--bearing lacks {', '.join(lacking)}; write it like {EXAMPLE}")
    if found["balls"] != int(found["balls"]):
        raise BearingError(f"--bearing balls={found['balls']:g}: give a whole number")
    if rpm is None:
        raise BearingError("--bearing needs the shaft's speed; add --rpm, such as --rpm 1797")
    if not 0 < rpm <= _MOST_RPM:
        raise BearingError(f"--rpm {rpm:g}: give revolutions per minute above 0")
    known = {"angle_deg": 0.0, **found, "balls": int(found["balls"])}
    frequencies({**known, "speed_rpm": rpm})
    return {**known, "speed_rpm": rpm}


def _number(key: str, text: str) -> float:
    try:
        return float(parse_number(text))
    except ConfigError:
        raise BearingError(
            f"--bearing {key}={text}: give a plain number of mm or degrees"
        ) from None


def frequencies(known: Mapping[str, Any]) -> dict[str, float]:
    """Hz of each line at the given speed. Raises BearingError for an impossible geometry."""
    try:
        found = bearing_frequencies(
            known["speed_rpm"] / 60, known["balls"], known["ball_diameter"],
            known["pitch_diameter"], known["angle_deg"],
        )  # fmt: skip
    except KeyError as error:
        raise BearingError(f"the bearing lacks {error}; see --help of tocsin train") from None
    except ValueError as error:
        raise BearingError(str(error)) from None
    return {name: found[name] for name in _FAULTS}


def extend(
    section: dict[str, Any], known: Mapping[str, Any], facts: Mapping[str, Any], shortest: int
) -> None:
    """Add the lines to a template section, and lengthen its window where they need it.

    shortest: samples of the shortest recording. Raises BearingError.
    """
    if facts["domain"] != "waveform":
        raise BearingError(
            f"a bearing's lines are found in a waveform, but the data are of domain "
            f"{facts['domain']}: leave --bearing out"
        )
    rate = facts.get("rate_hz")
    if not rate:
        raise BearingError("a bearing's lines need the sample rate, which is unknown: give --rate")
    lines = frequencies(known)
    window = section["window"]
    length = int(facts["length"]) if window == "part" else int(window["samples"])
    if window != "part":
        while rate / length > min(lines.values()) / _LEAST_BINS and (
            2 * length <= min(_LONGEST, shortest)
        ):
            length *= 2
        section["window"] = {"samples": length}
    found = {
        name: hertz for name, hertz in lines.items()
        if _LEAST_BINS * rate / length <= hertz < rate / 2 / (1 + _TOLERANCE)
    }  # fmt: skip
    if not found or length > _LONGEST:
        raise BearingError(
            f"windows of {length} samples at {rate:g} Hz do not show this bearing's lines "
            f"({min(lines.values()):.4g} to {max(lines.values()):.4g} Hz): record at another rate"
        )
    section["features"].append(_feature(known, found, rate, length))


def _feature(
    known: Mapping[str, Any], lines: Mapping[str, float], rate: float, window: int
) -> dict[str, Any]:
    """The entry of a template; the envelope keeps the harmonics that a decimation leaves."""
    top = max(lines.values()) * (1 + _TOLERANCE)
    decimation = 1
    while (
        2 * decimation <= _MOST_DECIMATION
        and window // (2 * decimation) >= _LEAST_VALUES
        and rate / (4 * decimation) > _HARMONICS * top
    ):
        decimation *= 2
    geometry = {k: known[k] for k in ("balls", "ball_diameter", "pitch_diameter", "angle_deg")}
    return {
        "kind": "envelope_lines",
        "bearing": geometry,
        "speed_rpm": known["speed_rpm"],
        "faults": list(lines),
        "harmonics": _HARMONICS,
        "tolerance": _TOLERANCE,
        "decimation": decimation,
    }
