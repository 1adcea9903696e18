"""scikit-learn models as skops files: no pickle; only types on our own allow-list are ever constructed."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl
import skops.io
from sklearn.base import BaseEstimator

from evergreen.core.errors import Corrupt, Invalid
from evergreen.versions.flavours.flavour import Predict

__all__ = ["TRUSTED", "SklearnFlavour", "flavour"]

TRUSTED = frozenset(
    {
        "functools.partial",
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
        "sklearn.utils.validation.check_array",
    }
)
"""Types beyond skops' own list that a file may name. It is ours: never read from the file."""

_FILE = "model.skops"


class SklearnFlavour:
    """Classifiers with ``predict_proba`` and two classes, and regressors."""

    def owns(self, estimator: object) -> bool:
        """Say whether ``estimator`` is a scikit-learn estimator."""
        return isinstance(estimator, BaseEstimator)

    def pack(self, estimator: object) -> dict[str, bytes]:
        """Return the model as one skops file.

        Raises:
            Invalid: it holds a type outside the allow-list, so that no server would load it.
        """
        data: bytes = skops.io.dumps(estimator)
        self._refuse_untrusted(data, Invalid)
        return {_FILE: data}

    def load(self, files: dict[str, bytes], task: str) -> Predict:
        """Return the model as a function; types outside the allow-list are refused before anything is built."""
        data = files[_FILE]
        self._refuse_untrusted(data, Corrupt)
        return self.predictor(skops.io.loads(data, trusted=sorted(TRUSTED)), task)

    def predictor(self, estimator: object, task: str) -> Predict:
        """Return the estimator as a function.

        Raises:
            Invalid: the estimator does not do ``task``.
        """
        name = type(estimator).__name__
        if task != "binary-classification":
            raise Invalid(f'{name} cannot serve the task "{task}"', hint='this version serves "binary-classification"')
        classes = getattr(estimator, "classes_", None)
        if classes is None or not hasattr(estimator, "predict_proba"):
            raise Invalid(f"{name} gives no probabilities, which binary classification needs")
        if list(classes) != [0, 1]:
            raise Invalid(f"{name} has classes {list(classes)}, expected [0, 1]", hint="make the target 0 or 1")

        def predict(rows: pl.DataFrame) -> npt.NDArray[np.float64]:
            return np.asarray(estimator.predict_proba(rows)[:, 1], dtype=np.float64)

        return predict

    def _refuse_untrusted(self, data: bytes, error: type[Invalid] | type[Corrupt]) -> None:
        unknown = set(skops.io.get_untrusted_types(data=data)) - TRUSTED
        if unknown:
            raise error(
                f"the model holds types that are not on the allow-list: {', '.join(sorted(unknown))}",
                hint="use scikit-learn's own estimators and transformers, without functions of your own inside",
            )


flavour = SklearnFlavour()
