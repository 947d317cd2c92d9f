# SPDX-License-Identifier: Apache-2.0
"""A template's features, in units people use, become the integer configuration of one data set.

A template section:

    {"window": {"samples": 512} | {"seconds": 1.0} | "part",
     "hop": {"samples": n} | {"seconds": s} | {"overlap": 0.5},   "prime": false,
     "part": {"channel": "torque", "start": 0.5, "stop": 0.2, "hold", "minimum", "length"},
     "rate_hz": 12000 (optional: the only rate the template is good for),
     "features": [{"kind": KIND or "kinds": [KINDS], "channels": "*" or [names],
                   "if_possible": false, "watch": false, parameters}]}

`watch` marks a feature that alarms and summaries can use but no model sees.

The parameters of each kind are listed in lib/tocsin/dsp/README.md. Facts of a data set: channels
(name, unit, scale, offset), rate_hz, interval_s, domain, and optionally length (samples of a
part), image_shape, missing, ranges ([lowest, highest] stored sample per channel) and fill (the
stored sample per channel that replaces a missing one before the first good one).
Frequencies are Hz, or cycles per sample where neither rate nor interval is known.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from tocsin.dsp.features import Extractor
from tocsin.dsp.table import MODULE, TABLE, FeatureError, row
from tocsin.monitor.vibration import bearing_frequencies

from .describe import describe, feature_names, seconds_per_sample

__all__ = (
    "ResolveError", "band_edges", "check_match", "describe", "feature_names", "lsb", "resolve",
    "samples", "seconds_per_sample",
)  # fmt: skip

_MPS2 = {"g": 9.80665, "mg": 0.00980665, "m/s2": 1.0, "m/s^2": 1.0, "m/s²": 1.0, "mm/s2": 0.001}
_FFT_SIZES = (64, 128, 256, 512, 1024, 2048)
_Q_KINDS = {
    "mean", "std", "rms", "level", "change", "deviation", "slope", "ewma", "ewma_deviation",
    "range", "peak", "peak_to_peak", "mean_abs_step", "block_means", "image_means",
    "image_steps_x", "image_steps_y",
}  # fmt: skip
_WIDE = {"change", "deviation", "slope", "ewma_deviation", "range", "peak", "peak_to_peak"}
_MEANS = {"mean", "level", "ewma", "block_means", "image_means"}
_TIME_KEYS = ("n", "lag", "long")


class ResolveError(ValueError):
    """A template and a data set that do not fit; the message says what to change."""


class _NotPossible(ResolveError):
    """A feature this channel cannot give; skipped where the template says `if_possible`."""


def resolve(template: Mapping[str, Any], facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the resolved configuration (plain ints). Raises ResolveError."""
    _check_rate(template, facts)
    domain = facts.get("domain") or "waveform"
    second = seconds_per_sample(facts)
    window = _window(template, facts, second)
    config: dict[str, Any] = {
        "window": window,
        "hop": _hop(template, window, second),
        "rate_mhz": round(facts["rate_hz"] * 1000) if facts.get("rate_hz") else None,
        "interval_ms": round(facts["interval_s"] * 1000) if facts.get("interval_s") else None,
        "channels": [_channel(c, i, facts) for i, c in enumerate(facts["channels"])],
        "missing": facts.get("missing"),
        "domain": domain,
    }
    if template.get("prime"):
        config["prime"] = True
    if template.get("part") is not None:
        config["part"] = _part_rule(template["part"], config)
    config["features"] = []
    for spec in template.get("features", ()):
        _add(config, spec, facts, second)
    if not config["features"]:
        raise ResolveError("no feature of the template fits this data set: add one that does")
    try:
        Extractor(config)
    except FeatureError as error:
        raise ResolveError(str(error)) from error
    return config


def check_match(config: Mapping[str, Any], facts: Mapping[str, Any]) -> None:
    """Raise ResolveError where a data set cannot be fed to features resolved for another one."""
    rate = round(facts["rate_hz"] * 1000) if facts.get("rate_hz") else None
    trained = config.get("rate_mhz")
    if not (rate == trained or rate and trained and abs(rate - trained) <= 0.001 * trained):
        raise ResolveError(
            f"the data has a rate of {_hz(rate)}, the model was trained at "
            f"{_hz(trained)}: resample the data or train again"
        )
    if len(facts["channels"]) != len(config["channels"]):
        raise ResolveError(
            f"the data has {len(facts['channels'])} channels, the model needs "
            f"{len(config['channels'])}: {', '.join(c['name'] for c in config['channels'])}"
        )
    if (facts.get("domain") or "waveform") != config.get("domain"):
        raise ResolveError(
            f"the data's domain is {facts.get('domain')}, the model's is {config.get('domain')}"
        )


def _hz(rate_mhz: int | None) -> str:
    return "unknown" if rate_mhz is None else f"{rate_mhz / 1000:g} Hz"


def _check_rate(template: Mapping[str, Any], facts: Mapping[str, Any]) -> None:
    wanted, rate = template.get("rate_hz"), facts.get("rate_hz")
    if wanted and rate and abs(wanted - rate) > 0.001 * wanted:
        raise ResolveError(
            f"the template is for {wanted:g} Hz, the data has {rate:g} Hz: resample the data or "
            "choose another template"
        )


def _channel(channel: Mapping[str, Any], i: int, facts: Mapping[str, Any]) -> dict[str, Any]:
    result = {
        "name": channel["name"],
        "unit": channel.get("unit", ""),
        "scale": channel.get("scale", 1.0),
        "offset": channel.get("offset", 0.0),
    }
    fill = facts["fill"][i] if facts.get("fill") else channel.get("fill")
    if fill:
        result["fill"] = int(fill)
    return result


def samples(value: Any, second: float | None, what: str) -> int:
    """Return a length given as an int, {"samples": n} or {"seconds": s} in samples, at least 1."""
    if isinstance(value, Mapping):
        if "samples" in value:
            value = value["samples"]
        elif "seconds" in value and second:
            value = max(1, round(value["seconds"] / second))
        elif "seconds" in value:
            raise ResolveError(f"{what} is in seconds, but the rate is unknown: use samples")
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ResolveError(f'{what} must be {{"samples": n}} or {{"seconds": s}}, not {value!r}')
    return value


def _window(template: Mapping[str, Any], facts: Mapping[str, Any], second: float | None) -> int:
    window, length = template.get("window", "part"), facts.get("length")
    if window == "part":
        if not length:
            raise ResolveError("the window is a part, but the data has no parts: give a window")
        return int(length)
    n = samples(window, second, "window")
    if length and n > length:
        raise ResolveError(f"the window of {n} samples is longer than a part of {length}")
    return n


def _hop(template: Mapping[str, Any], window: int, second: float | None) -> int:
    hop = template.get("hop")
    if hop is None:
        return window
    if isinstance(hop, Mapping) and "overlap" in hop:
        if not 0 <= hop["overlap"] < 1:
            raise ResolveError("overlap must be at least 0 and below 1")
        return max(1, round(window * (1 - hop["overlap"])))
    return samples(hop, second, "hop")


def _index(channel: Any, config: Mapping[str, Any]) -> int:
    names = [c["name"] for c in config["channels"]]
    if isinstance(channel, int) and 0 <= channel < len(names):
        return channel
    if channel not in names:
        raise ResolveError(f"no channel {channel!r}: the data has {', '.join(names)}")
    return names.index(channel)


def lsb(value: float, channel: Mapping[str, Any], difference: bool = False) -> int:
    """Return a physical value as a stored sample of the channel, clamped to int16."""
    stored = (value - (0 if difference else channel["offset"])) / channel["scale"]
    return max(-32767, min(32767, round(stored)))


def _part_rule(rule: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, int]:
    result = {k: rule[k] for k in ("length", "hold", "minimum") if rule.get(k) is not None}
    result["channel"] = _index(rule.get("channel", 0), config)
    channel = config["channels"][result["channel"]]
    for key in ("start", "stop"):
        if rule.get(key) is not None:
            result[key] = lsb(rule[key], channel)
    return result


def _add(
    config: dict[str, Any], spec: Mapping[str, Any], facts: Mapping[str, Any], second: float | None
) -> None:
    """Append the features that one entry of the template stands for."""
    kinds = [str(kind) for kind in spec.get("kinds") or [spec.get("kind")]]
    wanted = spec.get("channels", spec.get("channel", "*"))
    everything = range(len(config["channels"]))
    if wanted == "*":
        channels = list(everything)
    else:
        names = wanted if isinstance(wanted, list) else [wanted]
        channels = [_index(name, config) for name in names]
    for channel in channels:
        for kind in kinds:
            if kind not in TABLE:
                raise ResolveError(f"unknown feature kind {kind!r}: one of {', '.join(TABLE)}")
            feature: dict[str, Any] = {"kind": kind, "channel": channel}
            if spec.get("watch"):
                feature["watch"] = True
            try:
                _BUILD[row(feature)[MODULE]](feature, spec, config, facts, second)
            except _NotPossible:
                if not spec.get("if_possible"):
                    raise
                continue
            config["features"].append(feature)


def _auto_q(feature: dict[str, Any], spec: Mapping[str, Any], facts: Mapping[str, Any]) -> None:
    """Give a linear feature the fractional bits that its channel leaves room for.

    At least 4 times the range of the training data fits; differences of a channel that fills
    int16 are halved.
    """
    if feature["kind"] not in _Q_KINDS:
        return
    q = spec.get("q", "auto")
    if q == "auto":
        ranges = facts.get("ranges")
        q = 0
        if ranges:
            low, high = ranges[feature["channel"]]
            reach = max(abs(low), abs(high)) if feature["kind"] in _MEANS else high - low
            while q < 8 and (max(reach, 1) << (q + 1)) <= 8192:
                q += 1
            if reach > 8192 and feature["kind"] in _WIDE:
                q = -1
    if q:
        feature["q"] = q


def _simple(feature, spec, config, facts, second) -> None:
    """Moments: optional n. Parts: points, index. Both: q."""
    if row(feature)[MODULE] == "moments" and "n" in spec:
        feature["n"] = samples(spec["n"], second, "n")
    for key in ("points", "index"):
        if key in spec:
            feature[key] = spec[key]
    _auto_q(feature, spec, facts)


def _slow(feature, spec, config, facts, second) -> None:
    kind, channel = feature["kind"], config["channels"][feature["channel"]]
    for key in _TIME_KEYS:
        if key in spec:
            feature[key] = samples(spec[key], second, key)
    if kind == "change" and "lag" not in feature:
        feature["lag"] = config["window"] - feature.get("n", 1)
    if kind == "deviation" and "long" not in feature:
        feature["long"] = config["window"]
    if kind in ("slope", "range", "duty_cycle") and "n" not in feature:
        feature["n"] = config["window"]
    for key in ("on", "off", "delta"):
        if key in spec:
            feature[key] = lsb(spec[key], channel, difference=key == "delta")
    if kind == "duty_cycle" and not {"on", "off"} <= feature.keys():
        raise ResolveError('duty_cycle needs "on" and "off" in units of the channel')
    if kind == "time_since_change":
        feature["delta"] = max(1, feature.get("delta", 1))
    if kind.startswith("ewma"):
        constant = samples(spec.get("time_constant"), second, "time_constant") / config["hop"]
        feature["shift"] = max(1, min(13, round(math.log2(max(constant, 1)))))
    _auto_q(feature, spec, facts)


def _image(feature, spec, config, facts, second) -> None:
    shape = spec.get("shape") or facts.get("image_shape")
    if not shape:
        raise _NotPossible(f"{feature['kind']} needs images: the data set gives no image_shape")
    feature["shape"] = list(shape)
    feature["grid"] = list(spec.get("grid", (1, 1)))
    feature["points"] = math.prod(feature["grid"])
    _auto_q(feature, spec, facts)


def _fft_size(spec: Mapping[str, Any], length: int) -> int:
    n = spec.get("n") or next((s for s in _FFT_SIZES if s >= length), _FFT_SIZES[-1])
    n = samples(n, None, "n")
    if n not in _FFT_SIZES:
        raise ResolveError(f"n must be a power of two from 64 to 2048, not {n}")
    return n


class _Bins:
    """The bins of one spectrum and where frequencies lie on them."""

    def __init__(self, bins: int, width: float, unit: str):
        self.bins, self.width, self.unit = bins, width, unit

    def clip(self, spec: Mapping[str, Any]) -> tuple[int, int]:
        """The bins lo, hi (exclusive) of spec's low and high; the whole spectrum by default."""
        low, high = spec.get("low"), spec.get("high")
        top = self.bins * self.width
        if low is not None and high is not None and low >= high:
            raise ResolveError(f"low {low:g} must be below high {high:g} {self.unit}")
        if low is not None and low >= top:
            raise ResolveError(
                f"low {low:g} is above the highest frequency of this data, {top:g} {self.unit}"
            )
        lo = 1 if low is None else max(1, math.ceil(low / self.width - 1e-9))
        hi = self.bins
        if high is not None:
            hi = min(hi, math.floor(high / self.width + 1e-9) + 1)
        if lo >= hi:
            raise ResolveError(
                f"{low or 0:g} to {high or top:g} {self.unit} is less than one bin of "
                f"{self.width:g} {self.unit}: use a longer window"
            )
        return lo, hi


def _bins_of(feature, spec, config, second) -> _Bins:
    if config["domain"] == "spectrum":
        return _Bins(config["window"], float(spec.get("bin_width", 1.0)), "Hz")
    n = _fft_size(spec, config["window"])
    feature["n"] = n
    feature["window_fn"] = spec.get("window_fn", "hann")
    width = 1.0 / n if second is None else 1.0 / (second * n)
    return _Bins(n // 2, width, "cycles/sample" if second is None else "Hz")


def band_edges(spec: Mapping[str, Any], bins: _Bins) -> list[int]:
    """Return lo, hi bin pairs for spec's bands: a count and a scale, or a list of [low, high]."""
    bands, scale = spec.get("bands", 16), spec.get("scale", "linear")
    if isinstance(bands, Mapping):
        bands, scale = bands.get("n", 16), bands.get("spacing", bands.get("scale", "linear"))
    if isinstance(bands, list):
        pairs = [bins.clip({"low": low, "high": high}) for low, high in bands]
        return [edge for pair in pairs for edge in pair]
    lo, hi = bins.clip(spec)
    if not isinstance(bands, int) or bands < 1:
        raise ResolveError(f"bands must be a number or a list of [low, high], not {bands!r}")
    if bands > hi - lo:
        raise ResolveError(
            f"{bands} bands do not fit {hi - lo} bins: use a longer window or fewer bands"
        )
    if scale == "linear":
        cuts = [lo + (hi - lo) * i // bands for i in range(bands + 1)]
    elif scale in ("log", "octave"):
        ratio = 2.0 if scale == "octave" else (hi / lo) ** (1 / bands)
        ideal = [hi / ratio ** (bands - i) for i in range(bands + 1)]
        cuts = [hi]
        for i in range(bands - 1, 0, -1):
            cuts.append(max(lo + i, min(cuts[-1] - 1, round(ideal[i]))))
        cuts = [lo, *reversed(cuts)]
    else:
        raise ResolveError(f"unknown scale {scale!r}: use linear, octave, log or a list of bands")
    return [edge for i in range(bands) for edge in (cuts[i], cuts[i + 1])]


def _spectral(feature, spec, config, facts, second) -> None:
    kind = feature["kind"]
    bins = _bins_of(feature, spec, config, second)
    if kind == "band_log2":
        feature["edges"] = band_edges(spec, bins)
    elif kind.startswith("velocity"):
        _velocity(feature, spec, config, bins)
    else:
        feature["lo"], feature["hi"] = bins.clip(spec)


def _velocity(feature, spec, config, bins: _Bins) -> None:
    channel = config["channels"][feature["channel"]]
    mps2 = _MPS2.get(channel["unit"])
    if mps2 is None or bins.unit != "Hz" or config["domain"] == "spectrum":
        raise _NotPossible(
            f"velocity needs a known rate and an acceleration unit ({', '.join(_MPS2)}), "
            f"not {channel['unit']!r} at {_hz(config['rate_mhz'])}"
        )
    low = spec.get("low", 10)
    if bins.width > low * 1.0001:
        raise _NotPossible(
            f"velocity from {low:g} Hz needs a window of "
            f"{math.ceil(bins.width * bins.bins * 2 / low)} samples or more"
        )
    if low >= bins.bins * bins.width:
        raise _NotPossible(f"velocity from {low:g} Hz needs a rate above {2 * low:g} Hz")
    lo, hi = bins.clip({"low": low, "high": spec.get("high", 1000)})
    factor = abs(channel["scale"]) * mps2 * 1000 / (2 * math.pi * lo * bins.width)
    feature.update(lo=lo, hi=hi, offset=round(512 * math.log2(factor)))


def _envelope(feature, spec, config, facts, second) -> None:
    decimation = samples(spec.get("decimation", 4), None, "decimation")
    feature["decimation"] = decimation
    length = config["window"] // decimation
    n = _fft_size(spec, length)
    feature["n"] = n
    feature["window_fn"] = spec.get("window_fn", "hann")
    width = 1.0 / (n * decimation * (second or 1.0))
    bins = _Bins(n // 2, width, "cycles/sample" if second is None else "Hz")
    if feature["kind"] == "envelope_band_log2":
        feature["edges"] = band_edges(spec, bins)
        return
    if second is None:
        raise _NotPossible("envelope_lines needs a known sample rate")
    feature["labels"], feature["lines"] = [], []
    for name, hertz in _line_frequencies(spec).items():
        feature["labels"].append(name)
        feature["lines"].append(_harmonics(name, hertz, spec, bins))


def _line_frequencies(spec: Mapping[str, Any]) -> dict[str, float]:
    lines = dict(spec.get("lines_hz") or {})
    bearing = spec.get("bearing")
    if bearing:
        shaft = spec.get("shaft_hz") or (spec.get("speed_rpm") or 0) / 60
        try:
            found = bearing_frequencies(
                shaft, bearing["balls"], bearing["ball_diameter"], bearing["pitch_diameter"],
                bearing.get("angle_deg", 0.0),
            )  # fmt: skip
        except KeyError as error:
            raise ResolveError(f"the bearing lacks {error}") from error
        except ValueError as error:
            raise ResolveError(str(error)) from error
        wanted = spec.get("faults") or ("bpfo", "bpfi", "bsf", "ftf")
        lines.update({name: found[name] for name in wanted})
    if not lines:
        raise ResolveError("envelope_lines needs lines_hz, or bearing with speed_rpm or shaft_hz")
    return lines


def _harmonics(name: str, hertz: float, spec: Mapping[str, Any], bins: _Bins) -> list[int]:
    """Bin pairs around a line and its harmonics, as many as the spectrum holds."""
    tolerance = spec.get("tolerance", 0.02)
    pairs: list[int] = []
    for k in range(1, spec.get("harmonics", 3) + 1):
        lo = math.floor(k * hertz * (1 - tolerance) / bins.width)
        hi = math.ceil(k * hertz * (1 + tolerance) / bins.width) + 1
        lo = max(lo, pairs[-1] if pairs else 1)
        if hi <= bins.bins and lo < hi:
            pairs += [lo, hi]
    if not pairs:
        raise ResolveError(
            f"{name} at {hertz:g} Hz is outside the envelope spectrum, {bins.width:g} to "
            f"{bins.width * bins.bins:g} Hz: change decimation or window"
        )
    return pairs


_BUILD = {
    "moments": _simple,
    "parts": _simple,
    "slow": _slow,
    "images": _image,
    "spectral": _spectral,
    "envelope": _envelope,
}
