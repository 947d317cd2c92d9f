# SPDX-License-Identifier: Apache-2.0
"""A network or k-means made elsewhere, put behind a template's features."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tools.datasets import DataSet
from tools.train import fit, quantize, quantize_cost, watch
from tools.train import template as templates
from tools.train.bundle_format import Model, Network
from tools.train.describe import feature_names
from tools.train.fit import Trained, TrainError
from tools.train.importers import Imported, import_model
from tools.train.quantize import FloatNetwork
from tools.train.score_twin import FloatModel, float_outputs, scale
from tools.train.template import Template
from tools.train.windows import compute

_QUANTILE = 0.995


def train_imported(data: DataSet, template: Template, key: str, path: Path) -> Trained:
    """Wrap the model in `path`; scaling and edges it lacks come from the training data.

    It takes the template's scored features; those that are only watched are left out.
    """
    recordings = data.training(key)
    if not recordings:
        raise TrainError(f"{data.name} has no train recordings; mark some in dataset.json")
    facts = data.facts(recordings)
    owner, _ = template.view(data.domain, facts["length"] is not None)
    shortest = min(len(r.samples) for r in data.recordings)
    config = watch.without(templates.configure(template, facts, shortest))
    windows = compute(config, recordings)
    used = fit.normal_windows(data, recordings, windows, owner.detector)
    normal = windows.vectors[used] if used.any() else windows.vectors
    found = import_model(path)
    _check_inputs(found, windows.vectors.shape[1], path)
    if found.mean is not None and found.sigma is not None:
        mean, sigma = found.mean, found.sigma
    else:
        mean, sigma = quantize.fit_scaler(windows.vectors)
    scaler = quantize.quantize_scaler(mean, sigma)
    classes = found.classes or _classes(data, found)
    label = data.normal_label or "normal"
    normal_index = classes.index(label) if label in classes else -1
    x = (normal.astype(np.float64) - mean) / sigma
    clusters, network, float_network, edge = None, None, None, 1.0
    if found.centroids is not None:
        away = np.sqrt(((x[:, None] - found.centroids[None]) ** 2).sum(axis=2)).min(axis=1)
        edge = max(float(np.quantile(away, _QUANTILE)), 1e-3)
        clusters = quantize.quantize_clusters(found.centroids, np.ones(len(found.centroids)), edge)
    if isinstance(found.network, Network):
        network = found.network
    elif found.network is not None:
        float_network = _with_edge(found.network, normal_index, x)
        network = quantize.quantize_network(float_network, scale(windows.vectors, scaler))
    model = Model(
        conf=config,
        feature_names=[name for name, _ in feature_names(config)],
        scaler=scaler,
        clusters=clusters,
        network=network,
        classes=classes,
        decision=owner.decision,
    )
    exact = FloatModel(
        mean=mean,
        sigma=sigma,
        centroids=found.centroids,
        radii=None if found.centroids is None else np.ones(len(found.centroids)),
        edge=edge,
        network=float_network,
        normal=normal_index,
    )
    cost: dict[str, float] = {}
    if clusters is not None or float_network is not None:
        cost = dict(quantize_cost.cost(model, exact, windows.vectors))
    provenance = fit.provenance(data, template, key, windows, cost, [])
    return Trained(
        key, config, model.changed(provenance={**provenance, "imported": path.name}), exact, cost
    )


def _check_inputs(found: Imported, features: int, path: Path) -> None:
    takes = features
    if isinstance(found.network, Network):
        takes = found.network.layers[0].weights.shape[1]
    elif found.network is not None:
        takes = len(found.network.weights[0])
    elif found.centroids is not None:
        takes = found.centroids.shape[1]
    if takes != features:
        raise TrainError(
            f"{path.name} takes {takes} inputs, the template gives {features} features for this "
            "data; train it on the template's features or choose another template"
        )


def _classes(data: DataSet, found: Imported) -> list[str]:
    network = found.network
    if network is None or network.head != "classifier":
        return []
    outputs = (
        network.layers[-1].weights.shape[0]
        if isinstance(network, Network)
        else max(network.weights[-1].shape[1], 2)
    )
    labels = sorted({str(r.label) for r in data.of_split("train") if r.label is not None})
    return labels if len(labels) == outputs else [f"class_{i}" for i in range(outputs)]


def _with_edge(network: FloatNetwork, normal: int, x: npt.NDArray[Any]) -> FloatNetwork:
    """A regressor's or autoencoder's edge from what it gives on normal windows x (in sigma)."""
    edge = network.edge
    outputs = float_outputs(network, x)
    if network.head == "autoencoder":
        edge = float(np.quantile(np.sqrt(((x - outputs) ** 2).sum(axis=1)), _QUANTILE))
    elif network.head == "regressor":
        edge = float(np.quantile(outputs[:, 0], _QUANTILE))
    return FloatNetwork(
        network.weights, network.biases, network.head, normal, max(edge, 1e-6), network.slope
    )
