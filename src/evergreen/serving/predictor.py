"""A loaded model version behind one interface; callers never know what library is inside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from evergreen.core.digest import Get
from evergreen.core.errors import Corrupt
from evergreen.versions.contract import Contract
from evergreen.versions.flavours import Predict, open_flavour
from evergreen.versions.models import ModelManifest

__all__ = ["Predictor", "load_predictor"]

TOLERANCE = 1e-9
"""Golden answers must be met this closely; another CPU type may change the last bits of a sum."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Predictor:
    """A model version that can answer."""

    name: str
    version: int
    contract: Contract
    function: Predict

    def answer(self, table: pl.DataFrame) -> npt.NDArray[np.float64]:
        """Return one number per row of a table that keeps the contract: n rows, n answers."""
        return self.function(table.select(self.contract.names))

    def predict(self, rows: Sequence[dict[str, Any]]) -> npt.NDArray[np.float64]:  # decoded JSON
        """Check ``rows`` against the contract and answer them.

        Raises:
            ContractBroken: a row breaks it; then none is answered.
        """
        return self.function(self.contract.table(rows))


def load_predictor(get: Get, manifest: ModelManifest, version: int) -> Predictor:
    """Load a version and prove it: each file has its digest, and the golden requests get their answers.

    Raises:
        Corrupt: a file or an answer differs.
    """
    files = {name: get(digest) for name, digest in manifest.files.items()}
    function = open_flavour(manifest.flavour).load(files, manifest.task)
    predictor = Predictor(name=manifest.name, version=version, contract=manifest.contract, function=function)
    answers = predictor.predict(manifest.golden.rows)
    expected = np.asarray(manifest.golden.answers)
    if answers.shape != expected.shape or not np.allclose(answers, expected, rtol=0, atol=TOLERANCE):
        found = f"{answers.tolist()}, expected {expected.tolist()}"
        raise Corrupt(
            f"{manifest.name}@v{version} answers its golden requests with {found}",
            hint="the libraries differ from those it was made with: compare the environment version of the model",
        )
    return predictor
