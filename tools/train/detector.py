# SPDX-License-Identifier: Apache-2.0
"""The normal-only detector: scaled features, whitened, distance to the nearest cluster.

Clusters share one covariance, estimated with Ledoit-Wolf shrinkage (J. Multivariate Analysis 88,
2004) from what k-means leaves over. One cluster makes it the Mahalanobis distance.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tools.train import quantize
from tools.train.bundle_format import Clusters, Projection, Scaler
from tools.train.watch import widen

Floats = npt.NDArray[np.float64]
Z_LIMIT = quantize.Z_LIMIT / quantize.Z_ONE
_WHITE_UNIT = 64
_LEAST_VARIANCE = 0.003


@dataclass(frozen=True)
class Detector:
    """Float detector: distance of (f - mean) / sigma, whitened, to the nearest centroid.

    edge: the distance that scores 1.0.
    """

    mean: Floats
    sigma: Floats
    projection: Floats | None
    centroids: Floats
    edge: float = 1.0

    def distance(self, features: npt.ArrayLike) -> Floats:
        """Distances [n] of features [n, d], in the detector's own units."""
        z = (np.asarray(features, np.float64) - self.mean) / self.sigma
        z = np.clip(z, -Z_LIMIT, Z_LIMIT)
        u = z if self.projection is None else z @ self.projection.T
        best = np.full(len(u), np.inf)
        for centroid in self.centroids:
            best = np.minimum(best, ((u - centroid) ** 2).sum(axis=1))
        return np.sqrt(best)

    def with_edge(self, edge: float) -> Detector:
        return replace(self, edge=max(float(edge), 1e-3))

    def integers(self) -> tuple[Scaler, Projection | None, Clusters]:
        """The parts of a bundle."""
        scaler = quantize.quantize_scaler(self.mean, self.sigma)
        radii = np.ones(len(self.centroids))
        if self.projection is None:
            return scaler, None, quantize.quantize_clusters(self.centroids, radii, self.edge)
        projection = quantize.quantize_projection(self.projection, _WHITE_UNIT)
        clusters = quantize.quantize_clusters(self.centroids, radii, self.edge, _WHITE_UNIT)
        return scaler, projection, clusters


def cluster_count(settings: Mapping[str, Any], windows: int, features: int) -> int:
    """As many clusters as the training windows can support, at least one."""
    need = settings["per_cluster"]
    each = max(need.get("windows", 1), need.get("per_feature", 0) * features)
    return int(max(1, min(settings["clusters"], windows // each)))


def fit(features: npt.ArrayLike, settings: Mapping[str, Any], seed: int = 0) -> Detector:
    """Fit on normal feature vectors [n, d]; the edge is still to be set.

    settings["least_sigma"] [d]: what a feature must move at least to count as having moved;
    infinite where it is only watched, which leaves it out of the fit.
    Above `whiten_up_to` features the square matrix is too large for a device and is left out.
    """
    values = np.asarray(features, np.float64)
    mean, sigma = quantize.fit_scaler(values)
    sigma = np.maximum(sigma, settings.get("least_sigma", 1.0))
    scored = np.isfinite(sigma)
    z = np.clip((values - mean) / sigma, -Z_LIMIT, Z_LIMIT)
    z = np.ascontiguousarray(z[:, scored])
    count = cluster_count(settings, len(z), z.shape[1])
    centroids = _centroids(z, count, seed)
    if z.shape[1] > settings["whiten_up_to"]:
        return Detector(mean, sigma, None, widen(centroids, scored))
    nearest = (
        ((z[:, None, :] - centroids[None]) ** 2).sum(axis=2).argmin(axis=1) if count > 1 else 0
    )
    projection = whitening(z - centroids[nearest])
    return Detector(mean, sigma, widen(projection, scored), centroids @ projection.T)


def _centroids(z: Floats, count: int, seed: int) -> Floats:
    if count == 1:
        return z.mean(axis=0, keepdims=True)
    from sklearn.cluster import KMeans

    return np.asarray(KMeans(count, n_init=4, random_state=seed).fit(z).cluster_centers_)


def whitening(residuals: Floats) -> Floats:
    """Matrix [d, d] that gives centred vectors [n, d] unit covariance."""
    from sklearn.covariance import ledoit_wolf

    covariance, _ = ledoit_wolf(residuals, assume_centered=True)
    variance, axes = np.linalg.eigh(np.atleast_2d(covariance))
    return np.asarray((axes / np.sqrt(np.maximum(variance, _LEAST_VARIANCE))).T)


def out_of_fold(
    features: npt.ArrayLike,
    settings: Mapping[str, Any],
    folds: int,
    keep: npt.NDArray[np.bool_] | None = None,
    progress: Callable[[], None] | None = None,
) -> Floats:
    """Distance of each vector by a detector that saw no vector near it in time.

    Contiguous blocks are left out in turn. Vectors marked in `keep` stay in every fit.
    """
    values = np.asarray(features, np.float64)
    found = np.empty(len(values))
    for block in np.array_split(np.arange(len(values)), min(folds, len(values))):
        used = np.ones(len(values), bool)
        used[block] = False
        if keep is not None:
            used |= keep
        rest = values[used] if used.any() else values
        found[block] = fit(rest, settings).distance(values[block])
        if progress:
            progress()
    return found
