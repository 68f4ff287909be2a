"""Single models, each trained on some rows and tested on others: the cells of an experiment.

A trial is a pure function of its rows, labels and seed. It always has one thread, so that neither the number
of jobs nor the trials beside it change a byte; each is kept in the folder as it ends.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import joblib
import numpy as np
import numpy.typing as npt

from audit.errors import RunError
from audit.events import Listener
from audit.runs.folder import RunFolder
from audit.training.backends.processes import progress_board, side_by_side
from audit.training.cross_validation import Fitting
from audit.training.model import fit, losses
from audit.types import Examples, Labels, Rows, Training, evenly

Weights = Mapping[str, npt.NDArray[Any]]
WEIGHTS = "weights/"  # begins the names of those arrays in a trial's file


@dataclass(frozen=True, eq=False)
class Trial:
    """A model to be trained on some rows and to be tested on others."""

    key: str  # under which the outcome is kept
    train: Rows  # (m,)
    labels: Labels  # (m,)
    test: Rows  # (t,)
    seed: int
    before: str | None = None  # the key of the trial with whose weights the network begins
    keeps_weights: bool = False  # so that another can begin with them


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a trial came to."""

    predicted: npt.NDArray[np.int64]  # (t,) the likeliest class of each test row
    losses: tuple[float, ...]  # mean training loss of each epoch; empty where none is kept
    seconds: float
    device: str
    weights: Weights = field(default_factory=dict)  # of the network, where they are kept


def run_trials(
    trials: Sequence[Trial],
    X: Examples,
    k: int,
    *,
    fitting: Fitting,
    folder: RunFolder,
    jobs: int | None,
    listener: Listener,
) -> list[Outcome]:
    """The outcomes in the order of the trials, from the folder where they are kept there.

    A trial that begins with another's weights waits for it; the other stands before it in the list.

    Parameters
    ----------
    trials
        What is trained and tested.
    X, k
        Examples (n, …) of which the trials name rows, and the number of classes.
    fitting
        How each model is made and trained.
    folder
        Keeps finished trials, so that a stopped experiment resumes.
    jobs
        Models trained at once; all cores when None.
    listener
        Receives the progress.

    Raises
    ------
    DataError
        When the model cannot be trained.
    """
    outcomes = {number: kept for number, each in enumerate(trials) if (kept := _kept(folder, each))}
    if outcomes:
        listener.note(f"reusing {len(outcomes)} of {len(trials)} models, trained before")

    def progress(shares: Sequence[float]) -> None:
        listener.training("models", shares, sum(shares) / len(shares))

    done = {trials[number].key: outcome for number, outcome in outcomes.items()}
    with progress_board(len(trials), list(outcomes), progress) as board:
        while missing := [number for number in range(len(trials)) if number not in outcomes]:
            ready = [i for i in missing if trials[i].before is None or trials[i].before in done]
            workers = min(jobs or cores(), len(ready))
            common = (k, fitting, board)
            work = (joblib.delayed(_run)(X, trials[i], i, _weights(trials[i], done), *common) for i in ready)
            for number, outcome in side_by_side(work, workers):
                _keep(folder, trials[number], outcome)
                outcomes[number] = done[trials[number].key] = outcome
                board[number] = 1  # a worker on another machine has a copy of the board
    return [outcomes[number] for number in range(len(trials))]


def _weights(trial: Trial, done: Mapping[str, Outcome]) -> Weights:
    """The weights that the trial's network begins with; none where it begins anew."""
    return {} if trial.before is None else done[trial.before].weights


def _run(
    X: Examples,
    trial: Trial,
    number: int,
    weights: Weights,
    k: int,
    fitting: Fitting,
    board: npt.NDArray[np.float32],
) -> tuple[int, Outcome]:
    """Train and test one model; runs in a worker process."""
    start = time.perf_counter()
    if trial.labels.min() == trial.labels.max():  # nothing to learn, and scikit-learn's models refuse it
        predicted = np.full(len(trial.test), trial.labels[0])
        return number, Outcome(predicted, (), time.perf_counter() - start, "cpu", weights)

    def watch(share: float) -> None:
        board[number] = min(0.999, share)  # 1 is said where the outcome is kept

    task = Training((len(trial.train), *X.shape[1:]), k, trial.seed, fitting.recipe, 1, fitting.device, watch)
    classifier: Any = fitting.builder(task)
    if weights:
        classifier.begin_with(weights)
    where = f"the training part {number}"
    model = fit(classifier, X, (trial.train, trial.labels), task=task, balance=fitting.balance, where=where)
    answer = model.ask(X, trial.test)
    return number, Outcome(
        predicted=answer.pred_probs.argmax(axis=1),
        losses=losses(classifier),
        seconds=time.perf_counter() - start,
        device=str(getattr(classifier, "device", "cpu")),
        weights=classifier.learned() if trial.keeps_weights else {},
    )


def seconds_of(trial: Trial, X: Examples, k: int, *, fitting: Fitting, most_rows: int) -> float:
    """What one trial would take on its own, from training for one epoch on at most so many of its rows."""
    quick = replace(fitting.recipe, epochs=1, exactly=True)
    rows = evenly(trial.train, most_rows)
    of_each = np.searchsorted(trial.train, rows)
    probe = replace(trial, train=rows, labels=trial.labels[of_each], test=trial.test[:most_rows])
    shape = (len(trial.train), *X.shape[1:])
    whole = fitting.builder(Training(shape, k, trial.seed, fitting.recipe, 1, fitting.device, lambda _: None))
    epochs = int(getattr(whole, "max_epochs", 1))  # more than the recipe's for few rows
    board = np.zeros(1, dtype=np.float32)
    for _ in range(2):  # the first pays for what is done once a process
        start = time.perf_counter()
        _run(X, probe, 0, {}, k, replace(fitting, recipe=quick), board)
    taken = time.perf_counter() - start
    return taken * epochs * len(trial.train) / len(rows)


def cores() -> int:
    """Models that are trained at once when nobody says how many."""
    return int(joblib.cpu_count())


def _file(trial: Trial) -> str:
    return f"models/{trial.key[:24]}.npz"


def _keep(folder: RunFolder, trial: Trial, outcome: Outcome) -> None:
    arrays = {
        "key": np.array(trial.key),
        "predicted": outcome.predicted,
        "losses": np.array(outcome.losses, dtype=np.float64),
        "seconds": np.array(outcome.seconds),
        "device": np.array(outcome.device),
    }
    weights = {WEIGHTS + name: each for name, each in outcome.weights.items()}
    folder.write_arrays(_file(trial), arrays | weights)


def _kept(folder: RunFolder, trial: Trial) -> Outcome | None:
    """The outcome that the folder holds under the trial's key; a damaged file counts as not there."""
    if not (folder.path / _file(trial)).exists():
        return None
    try:
        arrays = folder.read_arrays(_file(trial))
        if str(arrays["key"]) != trial.key:
            return None
        return Outcome(
            predicted=arrays["predicted"],
            losses=tuple(arrays["losses"].tolist()),
            seconds=float(arrays["seconds"]),
            device=str(arrays["device"]),
            weights={
                name.removeprefix(WEIGHTS): each for name, each in arrays.items() if name.startswith(WEIGHTS)
            },
        )
    except (RunError, KeyError):
        return None
