# SPDX-License-Identifier: Apache-2.0
"""What features that count bins, samples, windows or shares are in physical units."""


def factor(unit: str, feature: dict, conf: dict) -> float:
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
