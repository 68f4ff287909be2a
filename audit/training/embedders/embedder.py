"""An embedder as a value: a function from examples to features, and what decides its features."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from audit.errors import AuditError, DataError
from audit.events import ran_out_of_memory
from audit.training.embedders.inputs import Inputs, Reads
from audit.types import Features, Rows
from audit.wording import one_line

BATCH = 32  # examples that are embedded together, counted from the first: no stop or resume changes a batch
SIDE = 256  # pixels that both sides of an image keep where an embedder does not say how many it wants

Embed: TypeAlias = Callable[[Any], Any]  # some examples (m) → their features (m, d)


@dataclass(frozen=True, eq=False)
class Embedder:
    """A function from examples to features, and everything beside the examples that decides them."""

    name: str  # as a person names it
    embed: Embed
    decides: Mapping[str, str] = field(default_factory=dict)  # such as versions and the weights' sha256
    reads: Reads = "examples"
    side: int = SIDE  # pixels that both sides of an image keep, where images are files
    is_own: bool = False  # code of the user, of which nobody knows all that decides its features
    note: str = ""  # the end of a line: what becomes of the examples

    def features(self, inputs: Inputs, rows: Rows, width: int | None = None) -> npt.NDArray[np.float32]:
        """The features (m, d) of these rows (m,) of the examples, d being this width where one is known.

        Raises
        ------
        DataError
            When the embedder fails, or returns anything else than a finite row for each example.
        """
        where = f"rows {inputs.first + rows[0]:,} to {inputs.first + rows[-1]:,}"
        try:
            examples = inputs.take(rows, self.reads, self.side)
        except DataError as error:
            raise DataError(f"--embed {self.name}: {error}") from error
        try:
            found = _array(self.embed(examples))
        except Exception as error:  # a function of the user may raise anything
            if isinstance(error, AuditError) or ran_out_of_memory(error):
                raise
            why = f"{type(error).__name__}: {one_line(error)}"
            raise DataError(f"--embed {self.name} failed on {where} ({why}); correct it") from error
        wanted = width or (found.shape[-1] if found.ndim == 2 else 0)
        if found.shape != (len(rows), wanted) or found.dtype.kind not in "buif" or not wanted:
            raise DataError(
                f"--embed {self.name} returned an array of shape {found.shape} and dtype {found.dtype} for "
                f"{where}, expected numbers of shape ({len(rows)}, {width or 'd'}), a row for each example; "
                "correct it"
            )
        features = found.astype(np.float32)
        bad = rows[~np.isfinite(features).all(axis=1)]
        if len(bad):
            raise DataError(
                f"--embed {self.name} returned NaN or infinite values, first for row "
                f"{inputs.first + bad[0]:,}, expected finite numbers; correct it, or leave such rows out"
            )
        return features


def _array(found: Any) -> Features:
    """What a function returned as an array: tensors too, also those of types that numpy does not have."""
    if hasattr(found, "detach"):
        found = found.detach().cpu()
        if "bfloat16" in str(found.dtype):
            found = found.float()
    if hasattr(found, "toarray"):  # a sparse matrix
        found = found.toarray()
    return np.asarray(found)
