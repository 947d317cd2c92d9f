# SPDX-License-Identifier: Apache-2.0
"""What a model's features are in physical units. Dropped when the pipelines are built."""

from math import log10

from tocsin.dsp.table import UNIT, Q, outputs, row

_DB = 10 * log10(2) / 256
_LEVELS = ("mean", "level", "ewma", "min", "max", "value", "block_means", "resample",
           "image_means", "image_mins")
_UNITS = {"log2": "dB", "bin": "Hz", "sample": "s", "window": "s", "share": "%", "mm/s": "mm/s"}


def feature_scales(conf: dict) -> list:
    """(scale, offset, unit) per feature of a resolved configuration, in the order of the vector.

    Energies come out in dB re 1 unit of the channel (envelopes: squared), frequencies in Hz,
    times in s, shares in %, the rest in the channel's unit: what `tocsin inspect` shows.
    """
    scales = []
    for feature in conf["features"]:
        kind = row(feature)
        channel = conf["channels"][feature.get("channel", 0)]
        scale, offset = 2.0 ** -feature.get("q", kind[Q]), 0.0
        unit = _UNITS.get(kind[UNIT], "")
        if kind[UNIT] == "log2":
            scale = _DB
            offset = -_energy_zero(feature["kind"], conf) * _DB
            if feature["kind"] != "velocity_log2":
                power = 40 if feature["kind"][:8] == "envelope" else 20
                offset += power * log10(abs(channel["scale"]))
        elif kind[UNIT] == "LSB":
            scale *= channel["scale"]
            unit = channel["unit"]
            if feature["kind"] in _LEVELS:
                offset = channel["offset"]
        elif kind[UNIT] in ("bin", "sample", "share", "window"):
            scale *= _factor(kind[UNIT], feature, conf)
        scales += [(scale, offset, unit)] * outputs(feature)
    return scales


def _energy_zero(kind: str, conf: dict) -> int:
    """The raw value of a log2 energy that means an energy of 1."""
    if conf.get("domain") == "spectrum" or kind == "std_log2":
        return 0
    return 4096 if kind == "velocity_log2" else 2048


def _factor(unit: str, feature: dict, conf: dict) -> float:
    """What one `unit` of the feature table is: bin in Hz, sample and window in s, share in %.

    Without a known rate bins are shares of the rate, samples and windows stay as they are.
    """
    if unit == "share":
        return 100.0
    seconds = (conf.get("interval_ms") or 0) / 1000
    if conf.get("rate_mhz"):
        seconds = 1000 / conf["rate_mhz"]
    if unit == "bin":
        if conf.get("domain") == "spectrum":
            return conf.get("bin_width", 1.0)
        return 1 / (feature["n"] * (seconds or 1))
    if unit == "window":
        seconds *= conf["hop"]
    return seconds or 1.0
