# SPDX-License-Identifier: Apache-2.0
"""Models made elsewhere: ONNX and TFLite files, and scikit-learn pickles this tool wrote.

A pickle can run code when it is read. So only files with a sidecar of ours are opened, their hash
must match, and the unpickler admits nothing but the few classes such a file needs.
"""
import copy
import hashlib
import io
import json
import pickle
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tools.train.bundle_format import Network
from tools.train.quantize import FloatNetwork

_MARKER = "tocsin scikit-learn model"
_MAX_BYTES = 64 << 20
_ALLOWED = {
    "numpy": {"dtype", "ndarray"},
    "numpy._core.multiarray": {"_reconstruct", "scalar"},
    "numpy.core.multiarray": {"_reconstruct", "scalar"},
    "numpy._core.numeric": {"_frombuffer"},
    "sklearn.cluster._kmeans": {"KMeans"},
    "sklearn.neural_network._multilayer_perceptron": {"MLPClassifier", "MLPRegressor"},
    "sklearn.pipeline": {"Pipeline"},
    "sklearn.preprocessing._data": {"StandardScaler"},
    "sklearn.preprocessing._label": {"LabelBinarizer"},
}
_TRAINING_ONLY = ("_optimizer", "_random_state", "_no_improvement_count", "validation_scores_",
                  "best_validation_score_", "loss_curve_")


class ImportRefused(ValueError):
    """The file cannot be used; the message is one line that says why and what to do."""

    def __init__(self, text: str):
        super().__init__(" ".join(text.split()))


@dataclass(frozen=True)
class Imported:
    """What a file holds.

    mean, sigma: its own scaling of the features, or None when it takes standardised ones.
    network: float, or already int8 with the file's exact scales. centroids [k, d] in the
    network's input units. classes: label names, [] when the file has none.
    """

    source: str
    mean: npt.NDArray[np.float64] | None = None
    sigma: npt.NDArray[np.float64] | None = None
    network: FloatNetwork | Network | None = None
    centroids: npt.NDArray[np.float64] | None = None
    classes: list[str] = field(default_factory=list)


def import_model(path: Any, head: str | None = None) -> Imported:
    """Read a model by its extension: .onnx, .tflite, .pkl or .pickle. Raises ImportRefused.

    `head` (classifier, regressor, autoencoder) settles what the outputs mean where the file
    leaves it open.
    """
    file = Path(path)
    try:
        if file.stat().st_size > _MAX_BYTES:
            raise ImportRefused(f"{file.name}: larger than {_MAX_BYTES >> 20} MB, "
                                "too large for a microcontroller; train a smaller model")
        data = file.read_bytes()
    except OSError as error:
        raise ImportRefused(f"{file}: {error.strerror}; give an existing file") from None
    suffix = file.suffix.lower()
    if suffix == ".onnx":
        from tools.train.importers_onnx import from_onnx
        return from_onnx(data, file.name, head)
    if suffix == ".tflite":
        from tools.train.importers_tflite import from_tflite
        return from_tflite(data, file.name, head)
    if suffix in (".pkl", ".pickle"):
        return from_sklearn(load_sklearn(file), file.name)
    raise ImportRefused(f"{file.name}: unknown kind; give an .onnx, .tflite or .pkl file")


def choose_head(name: str, head: str | None, n_in: int, n_out: int, classifies: bool) -> str:
    """The head of a network: as asked, else by its ending and its shape."""
    if head is None:
        if classifies:
            head = "classifier"
        elif n_out == 1:
            head = "regressor"
        else:
            head = "autoencoder" if n_out == n_in else "classifier"
    if head == "autoencoder" and n_out != n_in:
        raise ImportRefused(f"{name}: an autoencoder must give back its {n_in} inputs, this "
                            f"network has {n_out} outputs; choose another head")
    if head == "regressor" and n_out != 1:
        raise ImportRefused(f"{name}: a regressor must have one output, this network has "
                            f"{n_out}; choose another head")
    return head


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if name in _ALLOWED.get(module, ()):
            return super().find_class(module, name)
        raise ImportRefused(f"{module}.{name} has no business in a model file")


def _sidecar(path: Path) -> Path:
    return path.with_name(path.name + ".json")


def save_sklearn(estimator: Any, path: Any) -> None:
    """Pickle a fitted KMeans, MLP or pipeline of StandardScaler and one of them.

    Writes `path` and `path`.json, the sidecar without which `load_sklearn` refuses it.
    """
    from sklearn import __version__

    from tools.train.pack import write

    slim = copy.deepcopy(estimator)
    for step in _steps(slim):
        if hasattr(step, "random_state"):
            step.random_state = None
        for name in _TRAINING_ONLY:
            step.__dict__.pop(name, None)
    data = pickle.dumps(slim, protocol=4)
    mark = {"made_by": _MARKER, "sha256": hashlib.sha256(data).hexdigest(),
            "scikit_learn": __version__}
    write(path, data)
    write(_sidecar(Path(path)), json.dumps(mark, indent=1).encode())


def load_sklearn(path: Any) -> Any:
    """The estimator that `save_sklearn` wrote. Raises ImportRefused for anything else."""
    file = Path(path)
    try:
        mark = json.loads(_sidecar(file).read_text("utf-8"))
        data = file.read_bytes()
    except (OSError, ValueError):
        raise ImportRefused(f"{file.name}: no readable {file.name}.json beside it, so it is not "
                            "from this tool; export the model to ONNX instead") from None
    if not isinstance(mark, dict) or mark.get("made_by") != _MARKER:
        raise ImportRefused(f"{file.name}: not made by this tool; export the model to ONNX")
    if mark.get("sha256") != hashlib.sha256(data).hexdigest():
        raise ImportRefused(f"{file.name}: changed since it was written; copy both files again")
    try:
        return _Unpickler(io.BytesIO(data)).load()
    except ImportRefused as error:
        raise ImportRefused(f"{file.name}: {error}; export the model to ONNX") from None
    except Exception as error:  # a damaged pickle raises whatever its opcodes run into
        raise ImportRefused(f"{file.name}: cannot be read ({error}); write it again") from None


def _steps(estimator: Any) -> list[Any]:
    if hasattr(estimator, "steps"):
        return [step for _, step in estimator.steps]
    return [estimator]


def from_sklearn(estimator: Any, name: str = "model") -> Imported:
    """A fitted KMeans, MLPClassifier, MLPRegressor, or a pipeline StandardScaler + one of them."""
    steps = _steps(estimator)
    mean = sigma = None
    if len(steps) == 2 and type(steps[0]).__name__ == "StandardScaler":
        scaler = steps[0]
        count = scaler.n_features_in_
        mean = np.zeros(count) if scaler.mean_ is None else np.asarray(scaler.mean_, np.float64)
        sigma = np.ones(count) if scaler.scale_ is None else np.asarray(scaler.scale_, np.float64)
        steps = steps[1:]
    kind = type(steps[-1]).__name__
    if len(steps) != 1 or kind not in ("KMeans", "MLPClassifier", "MLPRegressor"):
        raise ImportRefused(f"{name}: {kind} is not supported; use KMeans, MLPClassifier or "
                            "MLPRegressor, after a StandardScaler if you like")
    model = steps[0]
    if kind == "KMeans":
        return Imported(name, mean, sigma,
                        centroids=np.asarray(model.cluster_centers_, np.float64))
    if model.activation != "relu" and len(model.coefs_) > 1:
        raise ImportRefused(f"{name}: activation {model.activation}; train it with relu")
    n_in, n_out = model.coefs_[0].shape[0], model.coefs_[-1].shape[1]
    if kind == "MLPClassifier":
        if model.out_activation_ == "logistic" and n_out > 1:
            raise ImportRefused(f"{name}: several labels at once are not supported; train with "
                                "one label per row")
        head, classes = "classifier", [str(label) for label in model.classes_]
    else:
        head, classes = choose_head(name, None, n_in, n_out, False), []
    network = FloatNetwork(tuple(np.asarray(w, np.float64) for w in model.coefs_),
                           tuple(np.asarray(b, np.float64) for b in model.intercepts_), head)
    return Imported(name, mean, sigma, network, classes=classes)
