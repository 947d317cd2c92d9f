# SPDX-License-Identifier: Apache-2.0
"""Quantisation keeps scores and labels, refuses what cannot work, and reports its cost."""
import numpy as np
import pytest
from sklearn.datasets import make_blobs
from sklearn.ensemble import RandomForestClassifier
from sklearn.neural_network import MLPClassifier

from tools.train import quantize, score_twin
from tools.train.bundle_format import Model
from tools.train.quantize import FloatNetwork, QuantizeError
from tools.train.quantize_cost import cost, rank_correlation
from tools.train.score_twin import FloatModel


@pytest.fixture(scope="module")
def data():
    """Features int16 [3000, 12] of three classes, labels, mean, sigma, scaler and z."""
    values, labels = make_blobs(3000, 12, centers=3, cluster_std=3.0, random_state=1)
    features = np.round(2000 + 80 * values).astype(np.int16)
    mean, sigma = quantize.fit_scaler(features)
    scaler = quantize.quantize_scaler(mean, sigma)
    return features, labels, mean, sigma, scaler, score_twin.scale(features, scaler)


def model_of(scaler, **parts):
    n = len(scaler.params)
    return Model({"features": []}, [f"f{i}" for i in range(n)], scaler, **parts)


def test_scaler_is_within_a_step_of_the_float(data):
    features, _, mean, sigma, _, z = data
    exact = 128 * (features - mean) / sigma
    # half a step of the result, and half a feature unit of the rounded mean
    assert np.abs(z - exact).max() < 1 + 128 * 0.5 / sigma.min()


def test_kmeans_score_is_within_1_percent_of_the_edge(data):
    features, _, mean, sigma, scaler, z = data
    unit = (features - mean) / sigma
    centroids, radii = unit[:8], np.linspace(2, 4, 8)
    clusters = quantize.quantize_clusters(centroids, radii, 1.3)
    report = cost(model_of(scaler, clusters=clusters),
                  FloatModel(mean, sigma, centroids, radii, 1.3), features)
    print(report)
    assert report["score_error_max"] < 0.03
    assert report["score_error_mean"] < 0.01
    assert report["verdict_agreement"] > 0.99
    assert report["rank_correlation"] > 0.999


def test_one_cluster_and_whitening_equal_mahalanobis(data):
    features, _, mean, sigma, scaler, _ = data
    unit = (features - mean) / sigma
    covariance = np.cov(unit.T)
    values, vectors = np.linalg.eigh(covariance)
    whitening = vectors @ np.diag(values ** -0.5) @ vectors.T
    wanted = np.sqrt(np.einsum("ij,jk,ik->i", unit, np.linalg.inv(covariance), unit))
    edge = float(np.quantile(wanted, 0.995))
    model = model_of(scaler, projection=quantize.quantize_projection(whitening),
                     clusters=quantize.quantize_clusters(np.zeros((1, 12)), [1.0], edge, unit=64))
    got = score_twin.score(model, features).score / 256
    assert np.abs(got - wanted / edge).max() < 0.03
    assert rank_correlation(got, wanted / edge) > 0.999


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_classifier_keeps_its_labels(data):
    features, labels, mean, sigma, scaler, z = data
    trained = MLPClassifier((32, 16), max_iter=40, random_state=0).fit(z / 128, labels)
    exact = FloatNetwork(tuple(trained.coefs_), tuple(trained.intercepts_), "classifier", 0)
    network = quantize.quantize_network(exact, z)
    report = cost(model_of(scaler, network=network, classes=["a", "b", "c"]),
                  FloatModel(mean, sigma, network=exact), features)
    print(report)
    assert report["label_agreement"] > 0.99
    assert report["verdict_agreement"] > 0.99
    assert report["rank_correlation"] > 0.99


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_lone_logit_of_a_binary_classifier_becomes_two(data):
    features, labels, _, _, scaler, z = data
    trained = MLPClassifier((8,), max_iter=40, random_state=0).fit(z / 128, labels > 0)
    exact = FloatNetwork(tuple(trained.coefs_), tuple(trained.intercepts_), "classifier", 0)
    network = quantize.quantize_network(exact, z)
    scores = score_twin.score(model_of(scaler, network=network, classes=["a", "b"]), features)
    assert (scores.label == trained.predict(z / 128)).mean() > 0.99
    assert np.array_equal(scores.label == 1, scores.score > 256)


def test_autoencoder_error_follows_the_float(data):
    features, _, mean, sigma, scaler, z = data
    unit = z / 128
    _, _, basis = np.linalg.svd(unit, full_matrices=False)
    top = basis[:2].T
    wide = np.hstack([top, -top])
    exact = FloatNetwork((wide, np.vstack([top.T, -top.T])), (np.zeros(4), np.zeros(12)),
                         "autoencoder", edge=4.0)
    model = model_of(scaler, network=quantize.quantize_network(exact, z))
    report = cost(model, FloatModel(mean, sigma, network=exact), features)
    print(report)
    assert report["score_error_mean"] < 0.02
    assert report["rank_correlation"] > 0.995


def test_regressor_scores_output_over_edge(data):
    features, _, mean, sigma, scaler, z = data
    rng = np.random.default_rng(3)
    exact = FloatNetwork((rng.normal(size=(12, 6)) / 3, rng.uniform(0, 1, (6, 1))),
                         (np.zeros(6), np.zeros(1)), "regressor", edge=2.0)
    model = model_of(scaler, network=quantize.quantize_network(exact, z))
    report = cost(model, FloatModel(mean, sigma, network=exact), features)
    print(report)
    assert report["score_error_mean"] < 0.02
    assert report["rank_correlation"] > 0.995


def test_forest_on_integers_loses_nothing(data):
    features, labels, mean, sigma, scaler, z = data
    trained = RandomForestClassifier(12, max_depth=6, random_state=0).fit(z, labels)
    model = model_of(scaler, forest=quantize.quantize_forest(trained, 0), classes=["a", "b", "c"])
    scores = score_twin.score(model, features)
    assert (scores.label == trained.predict(z)).mean() > 0.999
    shares = scores.logits / 255 / 12
    assert np.abs(shares - trained.predict_proba(z)).max() < 0.003


def test_edge_can_be_set_at_a_raw_distance(data):
    features, _, _, _, scaler, _ = data
    clusters = quantize.quantize_clusters(np.zeros((1, 12)), [1.0])
    model = model_of(scaler, clusters=clusters)
    raw = score_twin.score(model, features).distance
    edge = int(np.sort(raw)[-30])
    model = model.changed(clusters=quantize.with_edge(clusters, edge))
    alarms = (score_twin.score(model, features).score >= 256).sum()
    assert 28 <= alarms <= 32


def test_bad_numbers_are_refused(data):
    _, _, _, _, _, z = data
    with pytest.raises(QuantizeError, match="NaN or infinity"):
        quantize.quantize_scaler([np.nan], [1.0])
    with pytest.raises(QuantizeError, match="not a positive number"):
        quantize.quantize_scaler([0.0], [0.0])
    with pytest.raises(QuantizeError, match="radius is 0"):
        quantize.quantize_clusters(np.zeros((2, 3)), [1.0, 0.0])
    with pytest.raises(QuantizeError, match="takes 5 features, the data have 12"):
        quantize.quantize_network(FloatNetwork((np.zeros((5, 2)),), (np.zeros(2),)), z)
    with pytest.raises(QuantizeError, match="too large"):
        quantize.quantize_network(FloatNetwork((np.zeros((12, 2000)), np.zeros((2000, 2))),
                                               (np.zeros(2000), np.zeros(2))), z)
