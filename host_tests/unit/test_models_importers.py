# SPDX-License-Identifier: Apache-2.0
"""Models from scikit-learn (directly and through ONNX) give the same answers after import."""
import json
import pickle

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from skl2onnx import to_onnx
from sklearn.cluster import KMeans
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tools.train import importers, score_twin
from tools.train.importers import ImportRefused, import_model, load_sklearn, save_sklearn
from tools.train.importers_onnx import from_onnx

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
RNG = np.random.default_rng(0)
X = (RNG.normal(size=(200, 6)) * 3 + 5).astype(np.float32)
TWO = (X[:, 0] > 5).astype(int)
THREE = np.array(["low", "mid", "high"])[np.digitize(X[:, 0], [4, 6])]


def classifiers():
    return {
        "binary": MLPClassifier((8, 4), max_iter=60, random_state=0).fit(X, TWO),
        "named": MLPClassifier((8,), max_iter=60, random_state=0).fit(X, THREE),
        "pipeline": make_pipeline(StandardScaler(), MLPClassifier(
            (8,), max_iter=60, random_state=0)).fit(X, THREE),
        "linear": make_pipeline(StandardScaler(), MLPClassifier(
            (), max_iter=60, random_state=0)).fit(X, TWO),
    }


def regressors():
    return {
        "regressor": MLPRegressor(hidden_layer_sizes=(8,), max_iter=60,
                                  random_state=0).fit(X, X[:, 0]),
        "autoencoder": make_pipeline(StandardScaler(), MLPRegressor(
            hidden_layer_sizes=(3,), max_iter=60, random_state=0)).fit(X, X),
    }


def both_ways(estimator, tmp_path):
    """The estimator imported from an ONNX file and from our own pickle."""
    onnx_file = tmp_path / "model.onnx"
    onnx_file.write_bytes(to_onnx(estimator, X[:1]).SerializeToString())
    pickle_file = tmp_path / "model.pkl"
    save_sklearn(estimator, pickle_file)
    return [import_model(onnx_file), import_model(pickle_file)]


def inputs_of(imported):
    return X if imported.mean is None else (X - imported.mean) / imported.sigma


@pytest.mark.parametrize("name", ["binary", "named", "pipeline", "linear"])
def test_classifier_labels_are_kept(name, tmp_path):
    estimator = classifiers()[name]
    for imported in both_ways(estimator, tmp_path):
        outputs = score_twin.float_outputs(imported.network, inputs_of(imported))
        labels = np.array(imported.classes)[outputs.argmax(axis=1)]
        assert imported.network.head == "classifier"
        assert (labels == estimator.predict(X).astype(str)).all()
        assert (imported.mean is not None) == (name in ("pipeline", "linear"))


@pytest.mark.parametrize("name", ["regressor", "autoencoder"])
def test_regressor_values_are_kept(name, tmp_path):
    estimator = regressors()[name]
    for imported in both_ways(estimator, tmp_path):
        outputs = score_twin.float_outputs(imported.network, inputs_of(imported))
        assert imported.network.head == name
        np.testing.assert_allclose(outputs.squeeze(), estimator.predict(X), atol=1e-4)


@pytest.mark.parametrize("scaled", [False, True])
def test_kmeans_centroids_are_recovered(scaled, tmp_path):
    steps = [StandardScaler()] if scaled else []
    estimator = make_pipeline(*steps, KMeans(3, n_init=2, random_state=0)).fit(X)
    for imported in both_ways(estimator, tmp_path):
        away = inputs_of(imported)[:, None] - imported.centroids
        np.testing.assert_allclose(np.sqrt((away ** 2).sum(axis=2)), estimator.transform(X),
                                   atol=1e-4)


def graph(nodes, tensors, n_in=6, n_out=2):
    """A hand-made ONNX file."""
    made = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, n_in])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, n_out])],
        [numpy_helper.from_array(value, name) for name, value in tensors.items()])
    return helper.make_model(made).SerializeToString()


def gemm_weights():
    return {"w1": RNG.normal(size=(5, 6)).astype(np.float32),
            "b1": RNG.normal(size=5).astype(np.float32),
            "w2": RNG.normal(size=(2, 5)).astype(np.float32),
            "b2": RNG.normal(size=2).astype(np.float32)}


def gemm_output(t):
    hidden = np.maximum(X @ t["w1"].T + t["b1"], 0)
    return hidden @ t["w2"].T + t["b2"]


def test_gemm_network_as_pytorch_writes_it():
    t = gemm_weights()
    data = graph([helper.make_node("Flatten", ["x"], ["f"]),
                  helper.make_node("Gemm", ["f", "w1", "b1"], ["h"], transB=1),
                  helper.make_node("Relu", ["h"], ["r"]),
                  helper.make_node("Gemm", ["r", "w2", "b2"], ["y"], transB=1)], t)
    imported = from_onnx(data)
    assert imported.network.head == "classifier"
    np.testing.assert_allclose(score_twin.float_outputs(imported.network, X), gemm_output(t),
                               atol=1e-4)


def test_normalisation_in_front_and_layers_without_relu():
    t = gemm_weights()
    mean, sigma = X.mean(axis=0), X.std(axis=0)
    t.update(mean=mean, sigma=sigma, w3=np.eye(2, dtype=np.float32) * 3)
    data = graph([helper.make_node("Sub", ["x", "mean"], ["c"]),
                  helper.make_node("Div", ["c", "sigma"], ["z"]),
                  helper.make_node("Gemm", ["z", "w1", "b1"], ["h"], transB=1),
                  helper.make_node("Relu", ["h"], ["r"]),
                  helper.make_node("Gemm", ["r", "w2", "b2"], ["o"], transB=1),
                  helper.make_node("MatMul", ["o", "w3"], ["y"])], t)
    imported = from_onnx(data)
    assert len(imported.network.weights) == 2
    np.testing.assert_allclose(imported.mean, mean, rtol=1e-6)
    unit = (X - mean) / sigma
    hidden = np.maximum(unit @ t["w1"].T + t["b1"], 0)
    np.testing.assert_allclose(score_twin.float_outputs(imported.network, inputs_of(imported)),
                               3 * (hidden @ t["w2"].T + t["b2"]), atol=1e-4)


def test_quantised_weights_with_dequantize_linear():
    t = gemm_weights()
    scale = (np.abs(t["w1"]).max(axis=1) / 127).astype(np.float32)
    t["q1"] = np.round(t["w1"] / scale[:, None]).astype(np.int8)
    t["s1"] = scale
    t["z1"] = np.zeros(5, np.int8)
    t["sx"], t["zx"] = np.float32(0.05), np.int8(3)
    data = graph([helper.make_node("QuantizeLinear", ["x", "sx", "zx"], ["xq"]),
                  helper.make_node("DequantizeLinear", ["xq", "sx", "zx"], ["xd"]),
                  helper.make_node("DequantizeLinear", ["q1", "s1", "z1"], ["wd"], axis=0),
                  helper.make_node("Gemm", ["xd", "wd", "b1"], ["h"], transB=1),
                  helper.make_node("Relu", ["h"], ["r"]),
                  helper.make_node("Gemm", ["r", "w2", "b2"], ["y"], transB=1)], t)
    network = from_onnx(data).network
    t["w1"] = t["q1"] * scale[:, None]
    np.testing.assert_allclose(score_twin.float_outputs(network, X), gemm_output(t), atol=1e-4)


@pytest.mark.parametrize(("op", "message"), [
    ("Tanh", "operator Tanh is not supported; use Gemm or MatMul"),
    ("Conv", "operator Conv is not supported"), ("LSTM", "operator LSTM is not supported")])
def test_unsupported_operator_is_named(op, message):
    data = graph([helper.make_node("Gemm", ["x", "w1", "b1"], ["h"], transB=1),
                  helper.make_node(op, ["h"], ["y"])], gemm_weights())
    with pytest.raises(ImportRefused, match=message) as caught:
        from_onnx(data, "fan.onnx")
    assert str(caught.value).startswith("fan.onnx: ")


def test_weights_that_are_not_constant_are_refused():
    data = graph([helper.make_node("MatMul", ["x", "x"], ["y"])], {})
    with pytest.raises(ImportRefused, match="not constant; freeze the model"):
        from_onnx(data)


def test_damaged_onnx_is_refused_with_one_line():
    good = to_onnx(classifiers()["named"], X[:1]).SerializeToString()
    rng = np.random.default_rng(1)
    for _ in range(300):
        data = bytearray(good)
        for _ in range(5):
            data[int(rng.integers(0, len(data)))] = int(rng.integers(0, 256))
        try:
            from_onnx(bytes(data))
        except ImportRefused as error:
            assert "\n" not in str(error)
    with pytest.raises(ImportRefused, match="not an ONNX file"):
        from_onnx(b"<html>")


def test_weights_in_another_file_are_refused():
    model = onnx.load_model_from_string(graph([], gemm_weights()))
    tensor = model.graph.initializer[0]
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "/etc/hostname"
    with pytest.raises(ImportRefused, match="weights are in another file"):
        from_onnx(model.SerializeToString())


def test_pickle_needs_its_sidecar_and_an_equal_hash(tmp_path):
    path = tmp_path / "model.pkl"
    save_sklearn(KMeans(2, n_init=1).fit(X), path)
    assert load_sklearn(path).cluster_centers_.shape == (2, 6)
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(ImportRefused, match="changed since it was written"):
        import_model(path)
    (tmp_path / "model.pkl.json").unlink()
    with pytest.raises(ImportRefused, match="not from this tool"):
        import_model(path)


def test_pickle_that_would_run_code_is_refused(tmp_path):
    class Evil:
        def __reduce__(self):
            return (print, ("ran",))

    path = tmp_path / "evil.pkl"
    data = pickle.dumps(Evil())
    path.write_bytes(data)
    mark = {"made_by": "tocsin scikit-learn model",
            "sha256": importers.hashlib.sha256(data).hexdigest()}
    (tmp_path / "evil.pkl.json").write_text(json.dumps(mark))
    with pytest.raises(ImportRefused, match="builtins.print has no business in a model file"):
        import_model(path)


def test_other_estimators_activations_and_files_are_refused(tmp_path):
    with pytest.raises(ImportRefused, match="LogisticRegression is not supported"):
        importers.from_sklearn(LogisticRegression().fit(X, TWO))
    with pytest.raises(ImportRefused, match="activation tanh; train it with relu"):
        importers.from_sklearn(MLPClassifier((4,), activation="tanh", max_iter=5).fit(X, TWO))
    (tmp_path / "model.h5").write_bytes(b"x")
    with pytest.raises(ImportRefused, match="unknown kind"):
        import_model(tmp_path / "model.h5")
    with pytest.raises(ImportRefused, match="give an existing file"):
        import_model(tmp_path / "gone.onnx")
