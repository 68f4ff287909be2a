"""What detectors decide from, with what several of them need computed once."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from audit.detectors.blocks import (
    Block,
    Elsewhere,
    OfRows,
    by_blocks,
    normalized,
    sample_of,
)
from audit.detectors.label_model import LabelModel, fit
from audit.detectors.transition import transition_matrix
from audit.detectors.votes import posterior
from audit.types import Floats, Issues, Labels, Mask, Probs, Votes


@dataclass(frozen=True, eq=False)
class Evidence:
    """Given labels and out-of-sample probabilities, perhaps with margins of the training, or with votes.

    What has to be learned is learned from a sample of the rows. What is said of all rows is computed block
    by block, so that the probabilities may lie in a mapped file larger than memory.
    """

    labels: Labels
    pred_probs: npt.NDArray[np.floating[Any]]  # (n, k) of any precision; rows are made to sum to one
    margins: npt.NDArray[np.float32] | None = None  # (n,) mean logit margin of the given label in training
    votes: Votes | None = None  # of several people, some of whom gave the same rows labels
    elsewhere: Elsewhere | None = None  # where what is said of all rows is computed; here when None

    @cached_property
    def sample(self) -> "Evidence":
        """The rows that everything is learned from: all of them, where they are few enough."""
        n, k = self.pred_probs.shape
        rows = sample_of(n, k)
        if len(rows) == n:
            return self
        return Evidence(self.labels[rows], normalized(self.pred_probs[rows]))

    @cached_property
    def whole_probs(self) -> Probs:
        """The probabilities (n, k) of all rows, in memory."""
        return normalized(self.pred_probs)

    @cached_property
    def confident_joint(self) -> npt.NDArray[np.int64]:
        """Counts of given (rows) and confidently true (columns) labels (k, k), by cleanlab."""
        from cleanlab.count import compute_confident_joint  # noqa: PLC0415  slow to import

        return np.asarray(compute_confident_joint(self.labels, self.whole_probs, calibrate=True))

    @cached_property
    def joint(self) -> Floats:
        """The calibrated joint (k, k) of given (rows) and true (columns) labels in a sample, by cleanlab."""
        from cleanlab.count import estimate_joint  # noqa: PLC0415  slow to import

        if self.sample is not self:
            return self.sample.joint
        joint = estimate_joint(self.labels, self.whole_probs, confident_joint=self.confident_joint)
        return np.asarray(joint, dtype=np.float64)

    @property
    def issue_count(self) -> int:
        """How many labels the joint says are wrong."""
        return round(len(self.labels) * float(1 - np.trace(self.joint)))

    @cached_property
    def confident_issues(self) -> Mask:
        """What cleanlab's rule `confident_learning` flags, (n,)."""
        return self.cleanlab_issues("confident_learning")

    def cleanlab_issues(self, filter_by: str) -> Mask:
        """Return what cleanlab's `find_label_issues` flags (n,) with this rule."""
        from cleanlab.filter import find_label_issues  # noqa: PLC0415  slow to import

        # One rule estimates the joint again and warns; one job: its processes cost more than they save here.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            is_issue = find_label_issues(
                self.labels,
                self.whole_probs,
                filter_by=filter_by,
                confident_joint=self.confident_joint,
                n_jobs=1,
            )
        return np.asarray(is_issue, dtype=bool)

    @cached_property
    def label_model(self) -> LabelModel:
        """What the probabilities and the given labels together say of the true classes."""
        if self.sample is not self:
            return self.sample.label_model
        guess, _ = transition_matrix(len(self.labels) * self.joint.T)
        return fit(self.labels, self.whole_probs, guess)

    @cached_property
    def p_by_votes(self) -> Floats:
        """p(true class | votes, x), (n, k): what people and the label model together say."""
        assert self.votes is not None
        return posterior(self.votes, self.p_true)

    @property
    def p_true(self) -> Floats:
        """p(true class | x), (n, k), by the label model."""
        model = self.label_model
        (p_true,) = self.by_rows(lambda block: [model.p_true(block).T])
        return p_true.astype(np.float64)

    @cached_property
    def posterior_issues(self) -> Issues:
        """What the detector `posterior` finds."""
        model = self.label_model

        def judged(block: Block) -> Sequence[OfRows]:
            p_classes = model.p_classes(block)
            return block.at_given_label(p_classes), block.likeliest_other(p_classes)

        quality, suggested = self.by_rows(judged)
        return self.issues(quality < 0.5, quality, suggested)

    @property
    def prediction_differs(self) -> Mask:
        """The rows (n,) whose most probable class is not the given one."""
        return self._predicted[0]

    @property
    def likeliest_other(self) -> Labels:
        """The most probable class (n,) but the given one."""
        return self._predicted[1]

    @property
    def self_confidence(self) -> Floats:
        """The probability (n,) of the given label."""
        return self._predicted[2]

    @cached_property
    def _predicted(self) -> list[OfRows]:
        """Whether another class than the given one is likelier, which one is likeliest, and p(given)."""

        def read(block: Block) -> Sequence[OfRows]:
            differs = block.probs.argmax(axis=0) != block.labels
            given = block.at_given_label(block.probs)
            return differs, block.likeliest_other(block.probs), given.astype(np.float64)

        return self.by_rows(read)

    def by_rows(self, compute: Callable[[Block], Sequence[OfRows]]) -> list[OfRows]:
        """Compute arrays (n, …) from the arrays (b, …) that each block gives."""
        return by_blocks(self.labels, self.pred_probs, compute, self.elsewhere)

    def issues(self, is_issue: Mask, quality: Floats, suggested: Labels | None = None) -> Issues:
        """Return issues whose p_error is one less the quality (n,).

        Suggested is the most probable other class when nothing (n,) else is.
        """
        quality = np.asarray(quality, dtype=np.float64)
        if suggested is None:
            suggested = self.likeliest_other
        return Issues(is_issue=is_issue, label_quality=quality, p_error=1 - quality, suggested=suggested)
