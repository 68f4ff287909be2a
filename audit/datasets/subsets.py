"""Some rows of a data set as a data set of their own."""

import hashlib
from dataclasses import replace

import numpy as np

from audit.types import LabeledDataset, Rows, taken


def subset(dataset: LabeledDataset, rows: Rows) -> LabeledDataset:
    """Rows (m,) of a data set, with all that is known of each; those without a label are left out."""
    chosen = np.ascontiguousarray(rows, dtype=np.int64)
    n, k = len(dataset.labels), len(dataset.class_names)
    votes = dataset.votes
    return replace(
        dataset,
        X=dataset.X[rows],
        labels=dataset.labels[rows],
        ids=dataset.ids[rows],
        rows=dataset.rows[rows],
        fingerprint=hashlib.sha256(dataset.fingerprint.encode() + chosen.tobytes()).hexdigest(),
        unlabelled=None,
        part=taken(dataset.part, rows),
        as_given=None if dataset.as_given is None else dataset.as_given[rows],
        groups=taken(dataset.groups, rows),
        order=taken(dataset.order, rows),
        votes=None if votes is None else votes.among(rows, n, np.arange(k)),
        as_read=None,
        pictures=None if dataset.pictures is None else dataset.pictures[rows],
        features=taken(dataset.features, rows),
        embedded=None if dataset.embedded is None else subset(dataset.embedded, rows),
    )
