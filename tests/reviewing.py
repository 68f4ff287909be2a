"""Finished runs without training, and decisions on them as the report exports them."""

import json
from pathlib import Path

import numpy as np

from audit import datasets
from audit.datasets.reread import reread
from audit.events import Silent
from audit.pipeline import detect
from audit.review.controls import as_shown
from audit.settings.detect import Config


def finished(folder, **settings):
    """A run on the data that the settings name, by probabilities that doubt every sixth label."""
    predicted = Path(f"{folder}-probs.npy")
    config = Config.of(noise=0, pred_probs=predicted, out=Path(folder), **settings)
    dataset = datasets.load(Config.of(**settings))
    n, k = len(reread(datasets.open_source(config.data)).codes), len(dataset.class_names)
    codes = dataset.labels.copy()
    codes[::6] = (codes[::6] + 1) % k
    probs = np.full((n, k), 0.02 / (k - 1), dtype=np.float32)
    probs[dataset.rows, codes] = 0.98
    np.save(predicted, probs)
    return detect.detect_spec(config, Silent())[0].record


def document(record, actions, reviewer="Ada", **changes):
    """Decisions on rows: {row: "keep"} or {row: ("relabel", "cat")}."""
    shown, suggested = as_shown(record.labels, record.issues, record.suspects, record.controls)
    names = record.class_names
    entries = []
    for row, action in actions.items():
        word, label = action if isinstance(action, tuple) else (action, None)
        entries.append(
            {
                "id": str(record.ids[row]),
                "row": row,
                "given": names[shown[row]],
                "suggested": names[suggested[row]],
                "action": word,
                "label": label,
                "note": "",
                "time": "2026-11-21T11:58:03.120Z",
            }
        )
    return {
        "format": "label-audit decisions",
        "version": 1,
        "run": record.stages["issues"]["key"],
        "fingerprint": record.data["fingerprint"],
        "data": record.data["name"],
        "reviewer": reviewer,
        "exported": "2026-11-21T12:00:00.000Z",
        "class_names": list(names),
        "decisions": entries,
        **changes,
    }


def write(document, path="decisions.json"):
    Path(path).write_text(json.dumps(document), encoding="utf-8")
    return Path(path)
