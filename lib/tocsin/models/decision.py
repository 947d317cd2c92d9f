# SPDX-License-Identifier: Apache-2.0
"""Checks the DECI section of a bundle and fills in its defaults."""

from tocsin.models.errors import refuse

_SCORE_MAX = 32767


def complete(decision: dict) -> dict:
    """The decision with every key present, after checking each.

    combine "max" | "weighted"; weights {part: 0..256, default 128}; thresholds {part: Q8 score
    that counts as 1.0, default 256}; threshold Q8 of the combined score, default 256;
    smoothing {"kind": "none"} | {"kind": "median", "n": odd} | {"kind": "ewma", "shift": 1..8};
    vote {"m": 1, "n": 1}. Parts are "kmeans" and "network". Raises `BundleError`.
    """
    smoothing = _object(decision, "smoothing")
    vote = _object(decision, "vote")
    m = _int(vote, "m", 1, 1, 63)
    full = {
        "combine": decision.get("combine", "max"),
        "threshold": _int(decision, "threshold", 256, 1, _SCORE_MAX),
        "smoothing": {
            "kind": smoothing.get("kind", "none"),
            "n": _int(smoothing, "n", 5, 1, 63) | 1,
            "shift": _int(smoothing, "shift", 3, 1, 8),
        },
        "vote": {"m": m, "n": _int(vote, "n", m, m, 63)},
    }
    for key, default, low, high in (("weights", 128, 0, 256), ("thresholds", 256, 16, _SCORE_MAX)):
        given = _object(decision, key)
        full[key] = {
            "kmeans": _int(given, "kmeans", default, low, high),
            "network": _int(given, "network", default, low, high),
        }
    if (full["combine"] not in ("max", "weighted") or full["smoothing"]["kind"] not in (
            "none", "median", "ewma") or sum(full["weights"].values()) == 0):
        refuse("DECI")
    return full


def _object(decision: dict, key: str) -> dict:
    value = decision.get(key) or {}
    if not isinstance(value, dict):
        refuse("DECI " + key)
    return value


def _int(values: dict, key: str, default: int, low: int, high: int) -> int:
    value = values.get(key, default)
    if type(value) is not int or not low <= value <= high:
        refuse("DECI " + key)
    return value
