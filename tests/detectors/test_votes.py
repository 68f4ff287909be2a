"""What votes, models and both together say: laws of the posterior, of CROWDLAB's figures and of the detector."""

import numpy as np
import pytest

from audit import detectors
from audit.datasets.majority import majority
from audit.detectors import Evidence, crowdlab
from audit.detectors.votes import posterior
from audit.types import Votes

K = 4


def world(n=600, accuracies=(0.9, 0.8, 0.7, 0.6), gaps=0.2, seed=0):
    """Votes of annotators of these accuracies, probabilities of a fair model, and the truth."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, K, n)
    said = np.where(
        rng.random((n, len(accuracies))) < accuracies,
        truth[:, None],
        (truth[:, None] + rng.integers(1, K, (n, len(accuracies)))) % K,
    )
    row, who = np.nonzero(rng.random(said.shape) >= gaps)
    votes = Votes.of(row, who, said[row, who], [f"p{i}" for i in range(len(accuracies))])
    powers = np.exp(rng.normal(size=(n, K)) + 2 * np.eye(K)[truth])
    return votes, (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32), truth


def labelled(votes, probs):
    labels = majority(votes, len(probs), K)
    return np.where(labels < 0, probs.argmax(axis=1), labels)


def test_the_posterior_is_a_distribution_and_rows_without_votes_keep_theirs():
    votes, probs, _ = world(gaps=0.7)
    found = posterior(votes, probs.astype(float))
    assert found.sum(axis=1) == pytest.approx(1)
    without = np.setdiff1d(np.arange(len(probs)), votes.rows)
    assert len(without)
    assert found[without] == pytest.approx(probs[without], abs=1e-6)


def test_the_posterior_is_right_more_often_than_the_majority_and_than_the_models():
    votes, probs, truth = world()
    both = (posterior(votes, probs.astype(float)).argmax(axis=1) == truth).mean()
    assert both > (labelled(votes, probs) == truth).mean()
    assert both > (probs.argmax(axis=1) == truth).mean()


def test_the_order_of_annotators_changes_nothing():
    votes, probs, _ = world()
    order = np.array([2, 0, 3, 1])
    other = Votes.of(votes.rows, order[votes.annotators], votes.labels, ["b", "d", "a", "c"])
    assert posterior(other, probs.astype(float)) == pytest.approx(posterior(votes, probs.astype(float)))
    one = crowdlab.vote_quality(votes, probs, posterior(votes, probs.astype(float)), None)
    two = crowdlab.vote_quality(other, probs, posterior(other, probs.astype(float)), None)
    assert two.annotator_quality[order] == pytest.approx(one.annotator_quality)
    assert two.consensus_quality == pytest.approx(one.consensus_quality)
    assert two.consensus.tolist() == one.consensus.tolist()


def test_more_agreement_is_less_doubt():
    votes, probs, _ = world(accuracies=(0.8,) * 5, gaps=0.0)
    probs[:2] = 0.25
    five = np.flatnonzero(votes.rows == 0)
    split = np.flatnonzero(votes.rows == 1)
    votes.labels[five] = 0
    votes.labels[split] = [0, 0, 0, 1, 1]
    evidence = Evidence(labelled(votes, probs), probs, votes=votes)
    issues = detectors.DETECTORS["votes"](evidence)
    assert issues.p_error[0] < issues.p_error[1]
    assert issues.suggested[1] == 1
    assert (evidence.labels[:2] == 0).all()


def test_unanimous_people_and_a_sure_model_leave_no_suspects():
    votes, _, truth = world(accuracies=(1.0, 1.0, 1.0))
    sure = (0.97 * np.eye(K)[truth] + 0.01).astype(np.float32)
    issues = detectors.DETECTORS["votes"](Evidence(truth, sure, votes=votes))
    assert issues.p_error.max() < 0.1


def test_wrong_majorities_are_found_better_than_by_labels_alone():
    votes, probs, truth = world(n=2000, accuracies=(0.8, 0.6, 0.6))
    labels = labelled(votes, probs)
    wrong = labels != truth
    with_votes = detectors.DETECTORS["votes"](Evidence(labels, probs, votes=votes))
    alone = detectors.DETECTORS["consensus"](Evidence(labels, probs))

    def f1(issues):
        return 2 * (issues.is_issue & wrong).sum() / (issues.is_issue.sum() + wrong.sum())

    assert f1(with_votes) > f1(alone)


def test_qualities_rank_annotators_by_their_skill_and_lie_in_their_intervals():
    votes, probs, truth = world(n=2000, accuracies=(1.0, 0.8, 0.6, 0.3))
    found = crowdlab.vote_quality(votes, probs, posterior(votes, probs.astype(float)), None)
    assert (np.diff(found.annotator_quality) < 0).all()
    assert (found.annotator_low <= found.annotator_quality).all()
    assert (found.annotator_quality <= found.annotator_high).all()
    right = votes.labels == truth[votes.rows]
    assert found.vote_quality[right].mean() > found.vote_quality[~right].mean()
    assert (found.consensus == truth).mean() > (labelled(votes, probs) == truth).mean()


def test_one_more_label_tells_least_where_people_agree():
    votes, probs, _ = world(n=800)
    unlabelled = np.full((3, K), 1 / K, np.float32)
    found = crowdlab.vote_quality(votes, probs, posterior(votes, probs.astype(float)), unlabelled)
    counts = votes.counts(len(probs), K)
    agreed = counts.max(axis=1) == 4
    split = (counts.sum(axis=1) == 4) & (counts.max(axis=1) == 2)
    assert found.one_more[split].mean() < found.one_more[agreed].mean()
    assert found.one_more_unlabelled.shape == (3,)
    assert found.one_more_unlabelled.max() < found.one_more[agreed].min()


@pytest.mark.parametrize("accuracies", [(0.8,), (0.9, 0.5)], ids=["one person", "one vote a row"])
def test_votes_without_overlap_are_judged_by_the_models(accuracies, capsys):
    votes, probs, truth = world(accuracies=accuracies, gaps=0.0)
    if len(accuracies) > 1:
        kept = votes.annotators == votes.rows % 2
        votes = Votes.of(votes.rows[kept], votes.annotators[kept], votes.labels[kept], votes.names)
    found = crowdlab.vote_quality(votes, probs, posterior(votes, probs.astype(float)), None)
    assert ((found.one_more >= 0) & (found.one_more <= 1)).all()
    right = votes.labels == truth[votes.rows]
    assert found.vote_quality[right].mean() > found.vote_quality[~right].mean()
    if len(accuracies) > 1:
        assert found.annotator_quality[0] > found.annotator_quality[1]
    assert capsys.readouterr().out == ""


def test_an_annotator_with_one_label_has_a_wide_interval():
    votes, probs, _ = world()
    row = int(votes.rows[0])
    more = Votes.of(
        np.append(votes.rows, row),
        np.append(votes.annotators, 4),
        np.append(votes.labels, votes.labels[0]),
        (*votes.names, "new"),
    )
    found = crowdlab.vote_quality(more, probs, posterior(more, probs.astype(float)), None)
    width = found.annotator_high - found.annotator_low
    assert width[4] > 0.5
    assert width[:4].max() < 0.15


def test_the_detector_is_there_only_with_votes():
    votes, probs, _ = world(n=100)
    labels = labelled(votes, probs)
    assert "votes" in detectors.available(Evidence(labels, probs, votes=votes))
    assert "votes" not in detectors.available(Evidence(labels, probs))
