"""Features of examples in a run folder, a file for some batches of rows, kept as soon as it is full."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audit.errors import RunError
from audit.runs.folder import RunFolder, embedding_file


@dataclass(frozen=True)
class StoredFeatures:
    """The features of a run under one stage key: embedding/rows-0.npz and so on."""

    folder: RunFolder
    key: str

    def save(self, name: str, features: npt.NDArray[np.float32]) -> None:
        """Keep the features (m, d) of the rows of that name."""
        arrays = {"features": features, "key": np.array(self.key)}
        self.folder.write_arrays(embedding_file(name), arrays)

    def load(self, name: str, rows: int, width: int) -> npt.NDArray[np.float32] | None:
        """The kept features (rows, width) of that name; None when there are none, or they are damaged."""
        path = embedding_file(name)
        try:
            arrays = self.folder.read_arrays(path)
            features = arrays["features"]
            if str(arrays["key"]) != self.key:
                return None
        except (RunError, LookupError):
            return None
        sound = features.shape == (rows, width) and features.dtype == np.float32
        if not sound or not np.isfinite(features).all():
            return None
        self.folder.keep(path)
        return features
