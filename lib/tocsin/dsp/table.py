# SPDX-License-Identifier: Apache-2.0
"""The feature table: every kind of feature, read by the device, the training and `tocsin inspect`.

A new feature is one row here and its formula in the module that the row names (see README.md).
"""

from tocsin.dsp.checks import FeatureError, integer

MODULE, OUTPUTS, UNIT, Q = 0, 1, 2, 3

# kind: "module outputs unit fractional_bits",  # what it is (tools read this text from here)
# outputs: a number, or the key of the feature's config that gives it: an int ("points") is the
# number itself, "edges" holds two entries per output, any other list one entry per output.
# A config key "q" (where a module takes it) replaces the fractional bits of the row.
TABLE = {
    "band_log2": "spectral edges log2 8",  # energy in a band
    "peak_frequency": "spectral 1 bin 4",  # frequency of the strongest line
    "peak_log2": "spectral 1 log2 8",  # energy of the strongest line
    "centroid": "spectral 1 bin 4",  # mean frequency, weighted by energy
    "velocity_rms": "spectral 1 mm/s 8",  # vibration velocity RMS
    "velocity_log2": "spectral 1 log2 8",  # vibration velocity squared
    "mean": "moments 1 LSB 0",  # mean
    "std": "moments 1 LSB 0",  # standard deviation
    "rms": "moments 1 LSB 0",  # RMS about the mean
    "rms_log2": "moments 1 log2 8",  # mean square about the mean
    "std_log2": "moments 1 log2 8",  # 1 + mean square about the mean
    "peak": "moments 1 LSB 0",  # largest distance from the mean
    "peak_to_peak": "moments 1 LSB 0",  # largest minus smallest
    "crest_factor": "moments 1 ratio 8",  # peak over RMS
    "skewness": "moments 1 ratio 8",  # skewness
    "kurtosis": "moments 1 ratio 8",  # kurtosis, 3 for noise
    "zero_crossings": "moments 1 count 0",  # sign changes about the mean
    "envelope_band_log2": "envelope edges log2 8",  # envelope energy in a band
    "envelope_lines": "envelope lines log2 8",  # envelope energy at a line and its harmonics
    "level": "slow 1 LSB 0",  # mean of the newest samples
    "change": "slow 1 LSB 0",  # level minus the level some samples ago
    "deviation": "slow 1 LSB 0",  # level minus a longer mean
    "slope": "slow 1 LSB 0",  # least-squares change over the samples
    "range": "slow 1 LSB 0",  # largest minus smallest
    "duty_cycle": "slow 1 share 12",  # share of the samples that are on
    "time_since_change": "slow 1 window 0",  # windows since the level last moved
    "ewma": "slow 1 LSB 0",  # exponentially weighted level
    "ewma_deviation": "slow 1 LSB 0",  # level minus the EWMA before it
    "value": "parts 1 LSB 0",  # one sample
    "length": "parts 1 sample 0",  # samples of the part
    "min": "parts 1 LSB 0",  # smallest sample
    "max": "parts 1 LSB 0",  # largest sample
    "argmin": "parts 1 sample 0",  # where the smallest sample is
    "argmax": "parts 1 sample 0",  # where the largest sample is
    "mean_abs_step": "parts 1 LSB 0",  # mean step between neighbours
    "block_means": "parts points LSB 0",  # mean of a block
    "resample": "parts points LSB 0",  # sample of the resampled curve
    "image_means": "images points LSB 0",  # mean of a tile
    "image_mins": "images points LSB 0",  # darkest pixel of a tile
    "image_ranges": "images points LSB 0",  # brightest minus darkest of a tile
    "image_steps_x": "images points LSB 0",  # mean step to the right in a tile
    "image_steps_y": "images points LSB 0",  # mean step downwards in a tile
}


def row(feature: dict) -> tuple:
    """(module, outputs, unit, fractional bits) of a configured feature. Raises FeatureError."""
    kind = feature.get("kind") if isinstance(feature, dict) else None
    if not isinstance(kind, str) or kind not in TABLE:
        raise FeatureError("unknown feature kind %r" % (kind,))
    module, count, unit, q = TABLE[kind].split(" ")
    return module, count, unit, int(q)


def outputs(feature: dict) -> int:
    """How many numbers a configured feature adds to the vector. Raises FeatureError."""
    count = row(feature)[OUTPUTS]
    if count == "1":
        return 1
    value = feature.get(count)
    if isinstance(value, list):
        return len(value) >> 1 if count == "edges" else len(value)
    return integer(feature, count, 1, 2048)


def check_config(config: dict) -> None:
    """Check what every kind relies on. Raises FeatureError."""
    if not isinstance(config, dict):
        raise FeatureError("the feature configuration must be an object")
    integer(dict(config, kind="features"), "window", 1, 8192)
    channels = config.get("channels")
    if not isinstance(channels, list) or not 1 <= len(channels) <= 64:
        raise FeatureError("channels must list 1 to 64 channels")
    features = config.get("features")
    if not isinstance(features, list) or not features:
        raise FeatureError("features must list at least one feature")
    for feature in features:
        row(feature)
        integer(feature, "channel", 0, len(channels) - 1, 0)
