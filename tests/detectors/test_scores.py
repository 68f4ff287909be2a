"""The figures of an audit and their form in scores.json."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from audit.detectors.calibration import Bin
from audit.detectors.scores import (
    AccuracyFigures,
    CalibrationFigures,
    ClassFigures,
    DetectionFigures,
    DetectorFigures,
    ExpectedErrors,
    KindFigures,
    NoiseFigures,
    PartFigures,
    Reliability,
    Scores,
    SuspectFigures,
    TransitionFigures,
)
from audit.detectors.scoring import DetectionScore, Estimate, wilson

counts = st.integers(0, 1000)
shares = st.floats(0, 1)
estimates = st.builds(Estimate, shares, shares, shares)
bins = st.builds(
    lambda hits, more, p: Bin(0.1, 0.2, hits + more, p, wilson(hits, hits + more)), counts, counts, shares
)
reliabilities = st.lists(bins, max_size=3).map(lambda some: Reliability(tuple(some)))
matrices = st.lists(st.tuples(shares, shares), min_size=2, max_size=2).map(tuple)


@st.composite
def detection_scores(draw):
    tp, fp, fn, tn = (draw(counts) for _ in range(4))
    return DetectionScore(tp, fp, fn, tn, draw(st.integers(0, tp)), draw(st.integers(0, tp + fn)))


@st.composite
def every_figure(draw):
    """The figures of an audit, with and without changed labels, kinds and parts."""
    rows = draw(st.integers(1, 1000))
    measured = draw(st.booleans())
    some_rows = st.integers(0, rows)
    detection = st.builds(DetectionFigures, detection_scores(), estimates)
    detectors = {name: draw(detection) for name in ("posterior", "cleanlab")}
    confusion = draw(st.lists(st.tuples(counts, counts), min_size=2, max_size=2).map(tuple))
    parts = st.lists(st.builds(PartFigures, st.text(), counts, counts, counts), max_size=2).map(tuple)
    return Scores(
        detector="posterior",
        rows=rows,
        detectors={
            name: DetectorFigures(each.score.flagged, each if measured else None)
            for name, each in detectors.items()
        },
        likely_apart=draw(detection_scores()) if measured else None,
        calibration=CalibrationFigures(draw(reliabilities), draw(reliabilities)) if measured else None,
        classes=(ClassFigures(0, rows, draw(counts), draw(detection_scores()) if measured else None),),
        noise=NoiseFigures(
            rows=rows,
            changed=draw(some_rows),
            requested=draw(st.none() | shares),
            expected=draw(st.none() | shares),
            estimated=draw(estimates),
            natural=draw(estimates),
            transition=draw(st.none() | st.builds(TransitionFigures, matrices, matrices, matrices)),
        ),
        suspects=SuspectFigures(
            "consensus", draw(counts), draw(counts), (ExpectedErrors(draw(counts), draw(estimates)),)
        ),
        accuracy=AccuracyFigures(rows, draw(some_rows), draw(some_rows) if measured else None),
        kinds=draw(st.none() | st.just(KindFigures({"mislabelled": 3}, ("mislabelled", "none"), confusion))),
        conflicting_duplicates=draw(counts),
        parts=draw(st.none() | parts),
        kept=draw(counts),
        timings={"load": draw(shares)},
    )


@given(every_figure())
def test_every_figure_comes_back_from_scores_json(scores):
    text = json.dumps(scores.to_json(), allow_nan=False)
    back = Scores.from_json(json.loads(text))
    assert back == scores
    assert json.dumps(back.to_json()) == text


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=40))
def test_the_f1_of_kinds_is_that_of_scikit_learn(pairs):
    planted, found = np.array(pairs).T
    confusion = np.zeros((3, 3), int)
    np.add.at(confusion, (planted, found), 1)
    figures = KindFigures({}, ("a", "b", "c"), tuple(map(tuple, confusion.tolist())))
    expected = f1_score(planted, found, labels=[0, 1, 2], average=None, zero_division=0)
    assert list(figures.f1.values()) == expected.tolist()
    assert figures.macro_f1 == pytest.approx(expected.mean())
    assert list(figures.planted.values()) == np.bincount(planted, minlength=3).tolist()


def test_two_parts_are_several_and_one_is_none():
    part = PartFigures("train", 3, 0, 0)
    base = {"detector": "posterior", "rows": 3, "detectors": {}, "likely_apart": None, "calibration": None}
    more = {"classes": (), "noise": None, "suspects": None, "accuracy": None}
    assert Scores(**base, **more, parts=(part, part)).several_parts == (part, part)
    assert Scores(**base, **more, parts=(part,)).several_parts == ()
    assert Scores(**base, **more).several_parts == ()
