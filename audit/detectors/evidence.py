"""What detectors decide from, with what several of them need computed once."""

import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from audit.detectors.label_model import LabelModel, fit
from audit.detectors.transition import transition_matrix
from audit.detectors.votes import posterior
from audit.types import Floats, Issues, Labels, Mask, Probs, Votes


@dataclass(frozen=True, eq=False)
class Evidence:
    """Given labels and out-of-sample probabilities, perhaps with margins of the training, or with votes."""

    labels: Labels
    pred_probs: Probs
    margins: npt.NDArray[np.float32] | None = None  # (n,) mean logit margin of the given label in training
    votes: Votes | None = None  # of several people, some of whom gave the same rows labels

    @cached_property
    def confident_joint(self) -> npt.NDArray[np.int64]:
        """Counts of given (rows) and confidently true (columns) labels (k, k), by cleanlab."""
        from cleanlab.count import compute_confident_joint  # noqa: PLC0415  slow to import

        return np.asarray(compute_confident_joint(self.labels, self.pred_probs, calibrate=True))

    @cached_property
    def joint(self) -> Floats:
        """The calibrated joint of given (rows) and true (columns) labels, (k, k), by cleanlab."""
        from cleanlab.count import estimate_joint  # noqa: PLC0415  slow to import

        joint = estimate_joint(self.labels, self.pred_probs, confident_joint=self.confident_joint)
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
                self.pred_probs,
                filter_by=filter_by,
                confident_joint=self.confident_joint,
                n_jobs=1,
            )
        return np.asarray(is_issue, dtype=bool)

    @cached_property
    def label_model(self) -> LabelModel:
        """What the probabilities and the given labels together say of the true classes."""
        guess, _ = transition_matrix(len(self.labels) * self.joint.T)
        return fit(self.labels, self.pred_probs, guess)

    @cached_property
    def p_by_votes(self) -> Floats:
        """p(true class | votes, x), (n, k): what people and the label model together say."""
        assert self.votes is not None
        return posterior(self.votes, self.label_model.p_true)

    @cached_property
    def posterior_issues(self) -> Issues:
        """What the detector `posterior` finds."""
        p_classes = self.label_model.p_classes
        quality = self.at_given_label(p_classes)
        return self.issues(quality < 0.5, quality, p_classes)

    @property
    def prediction_differs(self) -> Mask:
        """The rows (n,) whose most probable class is not the given one."""
        return np.asarray(self.pred_probs.argmax(axis=1) != self.labels)

    def at_given_label(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return the entry (n,) of each row of values (n, k) in the column of its given label."""
        return values[np.arange(len(self.labels)), self.labels]

    @cached_property
    def likeliest_other(self) -> Labels:
        """The most probable class (n,) but the given one."""
        return self._likeliest_other(self.pred_probs)

    def issues(self, is_issue: Mask, quality: Floats, probs: npt.NDArray[Any] | None = None) -> Issues:
        """Return issues whose p_error is one less the quality, suggesting the most probable other class.

        The probabilities (n, k) are those predicted when none are given.
        """
        quality = np.asarray(quality, dtype=np.float64)
        suggested = self.likeliest_other if probs is None else self._likeliest_other(probs)
        return Issues(is_issue=is_issue, label_quality=quality, p_error=1 - quality, suggested=suggested)

    def _likeliest_other(self, probs: npt.NDArray[Any]) -> Labels:
        others = probs.copy()
        others[np.arange(len(self.labels)), self.labels] = -1
        return np.asarray(others.argmax(axis=1), dtype=np.int64)
