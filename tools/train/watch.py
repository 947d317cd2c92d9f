# SPDX-License-Identifier: Apache-2.0
"""Watch-only features: computed on the device for alarms and summaries, unseen by every model.

A resolved feature with "watch": true has an infinite sigma here and a scaler multiplier of 0 in
the bundle, so its z is always 0. Models are fitted on the scored features alone and then widened
with zeros, so that watching one more value changes no score.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tocsin.dsp.table import outputs
from tools.train.bundle_format import Forest, Network
from tools.train.quantize import FloatNetwork

Mask = npt.NDArray[np.bool_]


def scored(config: Mapping[str, Any]) -> Mask:
    """Which outputs [d] of a resolved configuration the models see."""
    return np.concatenate(
        [np.full(outputs(f), not f.get("watch", False)) for f in config["features"]]
    )


def without(config: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration with its watch-only features left out."""
    return {**config, "features": [f for f in config["features"] if not f.get("watch")]}


def widen(matrix: npt.NDArray[Any], mask: Mask) -> npt.NDArray[Any]:
    """Columns [rows, scored] in their places among all features [rows, d], zeros elsewhere."""
    wide = np.zeros((len(matrix), len(mask)), matrix.dtype)
    wide[:, mask] = matrix
    return wide


def widen_network(network: Network, mask: Mask) -> Network:
    """An int8 network on the scored features as one on all of them."""
    first, *rest = network.layers
    return replace(network, layers=(replace(first, weights=widen(first.weights, mask)), *rest))


def widen_float(network: FloatNetwork, mask: Mask) -> FloatNetwork:
    """A float network on the scored features as one on all of them."""
    first, *rest = network.weights
    return replace(network, weights=(widen(first.T, mask).T, *rest))


def widen_forest(forest: Forest, mask: Mask) -> Forest:
    """An integer forest on the scored features as one on all of them."""
    columns = np.flatnonzero(mask)
    inner = columns[np.maximum(forest.feature, 0)]
    return replace(forest, feature=np.where(forest.feature < 0, -1, inner).astype(np.int16))


@dataclass(frozen=True)
class Estimator:
    """A scikit-learn classifier on the scored features that takes all of them."""

    fitted: Any
    mask: Mask

    def predict_proba(self, z: npt.NDArray[Any]) -> Any:
        return self.fitted.predict_proba(z[:, self.mask])
