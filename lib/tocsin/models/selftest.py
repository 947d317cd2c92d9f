# SPDX-License-Identifier: Apache-2.0
"""Runs the vectors a bundle carries: raw frame -> features -> scores, as on the host.

A device does this before it accepts a bundle, so a broken kernel, another feature code or a
miscompiled module is found before it judges a machine. Format of VECT: README.md.
"""
import struct
from array import array

from tocsin.models.bundle import Bundle
from tocsin.models.errors import BundleError, refuse
from tocsin.models.scorer import Scorer

_HEADER = 8


def verify(bundle: Bundle, tolerance: int = 0, extractor=None, scorer=None) -> int:
    """Run every vector; returns how many there were.

    `tolerance` is the largest allowed difference of a feature: 0, or 1 with the float backend
    ulab (scores are always compared exactly, from the vector's own features). `extractor` saves
    building one; it must come from `bundle.conf`. `scorer` is a `Scorer` of this bundle, such as
    one of a generated module; default: a new one. Raises `BundleError` naming the first stage
    that differs: feature, kmeans score, network score, label or score.
    """
    try:
        if extractor is None:
            from tocsin.dsp.features import Extractor
            extractor = Extractor(bundle.conf)
        return _run(bundle, tolerance, extractor, scorer or Scorer(bundle))
    except BundleError as error:
        raise BundleError("%s: %s" % (bundle.name, error)) from None
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError,
            MemoryError) as error:
        raise BundleError("%s: features refused (%s); update the firmware or train again"
                          % (bundle.name, error)) from None


def _run(bundle: Bundle, tolerance: int, extractor, scorer: Scorer) -> int:
    view = bundle.section("VECT")
    if view is None or len(view) < _HEADER:
        raise BundleError("no self-test vectors; pack it with some")
    count, channels, samples, n = struct.unpack("<HHHH", view[:_HEADER])
    size = 10 + 2 * (channels * samples + n)
    if not count or not samples or n != bundle.n_features or len(view) != _HEADER + count * size:
        refuse("VECT")
    if extractor.n_features != n:
        raise BundleError("%d features computed, the model takes %d; update the firmware or "
                          "train again" % (extractor.n_features, n))
    for index in range(count):
        at = _HEADER + index * size
        used = struct.unpack("<H", view[at:at + 2])[0]
        if not 1 <= used <= samples:
            refuse("VECT")
        at += 2
        frames = []
        for _ in range(channels):
            frames.append(array("h", bytes(view[at:at + 2 * samples])))
            at += 2 * samples
        wanted = array("h", bytes(view[at:at + 2 * n]))
        extractor.extract(frames, used)
        for i in range(n):
            _compare(index, "feature " + bundle.feature_names[i], extractor.vector[i], wanted[i],
                     tolerance)
        scorer.score(wanted)
        _compare_scores(scorer, struct.unpack("<hhhh", view[at + 2 * n:at + 2 * n + 8]), index)
    return count


def _compare_scores(scorer: Scorer, wanted: tuple, index: int):
    near = -1 if scorer.kmeans is None else scorer.kmeans.score
    network = -1 if scorer.network is None else scorer.network.score
    _compare(index, "kmeans score", near, wanted[0], 0)
    _compare(index, "network score", network, wanted[1], 0)
    _compare(index, "label", scorer.label, wanted[2], 0)
    _compare(index, "score", scorer.last, wanted[3], 0)


def _compare(index: int, stage: str, got: int, wanted: int, tolerance: int):
    if abs(got - wanted) > tolerance:
        raise BundleError("self-test vector %d: %s is %d, not %d; update the firmware or train "
                          "again" % (index, stage, got, wanted))
