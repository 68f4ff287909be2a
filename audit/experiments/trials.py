"""Single models, each trained on some rows and tested on others: the cells of an experiment.

A trial is a pure function of its rows, labels and seed. It always has one thread, so that neither the number
of jobs nor the trials beside it change a byte; each is kept in the folder as it ends.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import joblib
import numpy as np
import numpy.typing as npt

from audit.datasets.unchanged import FileStates, mapped_file
from audit.errors import RunError
from audit.events import Listener
from audit.runs.folder import RunFolder
from audit.training import capabilities
from audit.training.backends.parallel import run_parallel
from audit.training.backends.processes import progress_board
from audit.training.backends.shared import SharedArray, array_of, shared
from audit.training.cross_validation import Fitting
from audit.training.model import fit
from audit.types import Examples, Labels, Recipe, Rows, Training, evenly

NetworkWeights = Mapping[str, npt.NDArray[Any]]
WEIGHTS_PREFIX = "weights/"  # of the names of those arrays in a trial's file


@dataclass(frozen=True, eq=False)
class Trial:
    """A model to be trained on some rows and to be tested on others."""

    key: str  # under which the outcome is kept
    train: Rows  # (m,)
    labels: Labels  # (m,)
    test: Rows  # (t,)
    seed: int
    before: str | None = None  # the key of the trial from whose network weights this one starts
    keeps_weights: bool = False  # so that another trial can start from them


@dataclass(frozen=True, eq=False)
class TrialModels:
    """How the models of all trials are made."""

    fitting: Fitting
    recipe: Recipe
    k: int  # number of classes

    def training(self, trial: Trial, X: Examples, watch: Callable[[float], None]) -> Training:
        """What the builder is told about one trial.

        Networks of which one starts from the weights of another have all classes in common.
        """
        k = self.k
        if trial.before is None and not trial.keeps_weights:
            k = len(np.unique(trial.labels))
        return Training(
            shape=(len(trial.train), *X.shape[1:]),
            k=k,
            seed=trial.seed,
            recipe=self.recipe,
            threads=1,
            device=self.fitting.device,
            watch=watch,
            predicted=len(trial.test),
        )


@dataclass(frozen=True, eq=False)
class Outcome:
    """The predictions of a trial's model, and how it was trained."""

    predicted: npt.NDArray[np.int64]  # (t,) the likeliest class of each test row
    losses: tuple[float, ...]  # mean training loss of each epoch; empty where none were recorded
    seconds: float
    device: str
    network_weights: NetworkWeights = field(default_factory=dict)  # where they are kept


def run_trials(
    trials: Sequence[Trial],
    X: Examples,
    models: TrialModels,
    *,
    folder: RunFolder,
    jobs: int | None,
    listener: Listener,
) -> list[Outcome]:
    """Train and test the trials that the folder does not hold; returns all outcomes in their order.

    A trial that starts from another's network weights waits for it; the other stands before it in the list.

    Parameters
    ----------
    trials
        What is trained and tested.
    X
        Examples (n, …) of which the trials name rows.
    models
        How each model is made.
    folder
        Keeps finished trials, so that a stopped experiment resumes.
    jobs
        Models trained in parallel; one per core when None.
    listener
        Receives the progress.

    Raises
    ------
    DataError
        When a model cannot be trained, or the file that X is a map of changes.
    """
    outcomes = {number: kept for number, each in enumerate(trials) if (kept := _load(folder, each))}
    if outcomes:
        listener.note(f"reusing {len(outcomes)} of {len(trials)} models, trained before")

    def progress(shares: Sequence[float]) -> None:
        listener.training("models", shares, sum(shares) / len(shares))

    done = {trials[number].key: outcome for number, outcome in outcomes.items()}
    source = FileStates.of(filter(None, [mapped_file(X)]))
    with source.blamed_if_changed(), progress_board(len(trials), list(outcomes), progress) as board:
        while missing := [number for number in range(len(trials)) if number not in outcomes]:
            ready = [i for i in missing if trials[i].before is None or trials[i].before in done]
            workers = min(jobs or cores(), len(ready))
            own = ((i, trials[i], _start_weights(trials[i], done)) for i in ready)
            for number, outcome in run_parallel(_run, (shared(X), board, models), own, workers):
                source.refuse_changed()
                _save(folder, trials[number], outcome)
                outcomes[number] = outcome
                done[trials[number].key] = outcome
                board[number] = 1  # a worker on another machine has a copy of the board
    return [outcomes[number] for number in range(len(trials))]


def _start_weights(trial: Trial, done: Mapping[str, Outcome]) -> NetworkWeights:
    """The weights that the trial's network starts from; empty where it starts anew."""
    if trial.before is None:
        return {}
    return done[trial.before].network_weights


def _run(
    sent: SharedArray,
    board: npt.NDArray[np.float32],
    models: TrialModels,
    number: int,
    trial: Trial,
    start_weights: NetworkWeights,
) -> tuple[int, Outcome]:
    """Train and test one model; runs in a worker process."""
    start = time.perf_counter()
    X = array_of(sent)
    if trial.labels.min() == trial.labels.max():  # nothing to learn, and scikit-learn's models refuse it
        predicted = np.full(len(trial.test), trial.labels[0])
        return number, Outcome(predicted, (), time.perf_counter() - start, "cpu", start_weights)

    def watch(share: float) -> None:
        board[number] = min(0.999, share)  # 1 is set where the outcome is kept

    training = models.training(trial, X, watch)
    classifier = models.fitting.builder(training)
    if start_weights:
        capabilities.start_from(classifier, start_weights)
    model = fit(
        classifier,
        X,
        (trial.train, trial.labels),
        training=training,
        where=f"the training part {number}",
        k=models.k,
        balance=models.fitting.balance,
    )
    pred_probs = model.predict(X, trial.test).pred_probs
    return number, Outcome(
        predicted=pred_probs.argmax(axis=1),
        losses=capabilities.losses(classifier),
        seconds=time.perf_counter() - start,
        device=capabilities.device(classifier),
        network_weights=capabilities.network_weights(classifier) if trial.keeps_weights else {},
    )


def seconds_of(trial: Trial, X: Examples, models: TrialModels, *, most_rows: int) -> float:
    """Estimate the seconds of one trial on its own, from one epoch on about `most_rows` of its rows."""
    probe = replace(
        trial,
        train=evenly(trial.train, most_rows),
        labels=evenly(trial.labels, most_rows),
        test=trial.test[:most_rows],
    )
    one_epoch = replace(models, recipe=replace(models.recipe, epochs=1, epochs_fixed=True))
    untrained = models.fitting.builder(models.training(trial, X, lambda _: None))
    epochs = capabilities.epochs(untrained)  # more than the recipe's for few rows
    board = np.zeros(1, dtype=np.float32)
    for _ in range(2):  # the first pays for what is done once a process
        start = time.perf_counter()
        _run(X, board, one_epoch, 0, probe, {})
    seconds = time.perf_counter() - start
    return seconds * epochs * len(trial.train) / len(probe.train)


def cores() -> int:
    """Number of models that are trained in parallel by default."""
    return int(joblib.cpu_count())


def _file(trial: Trial) -> str:
    return f"models/{trial.key[:24]}.npz"


def _save(folder: RunFolder, trial: Trial, outcome: Outcome) -> None:
    arrays = {
        "key": np.array(trial.key),
        "predicted": outcome.predicted,
        "losses": np.array(outcome.losses, dtype=np.float64),
        "seconds": np.array(outcome.seconds),
        "device": np.array(outcome.device),
    }
    weights = {WEIGHTS_PREFIX + name: array for name, array in outcome.network_weights.items()}
    folder.write_arrays(_file(trial), arrays | weights)


def _load(folder: RunFolder, trial: Trial) -> Outcome | None:
    """The outcome that the folder holds under the trial's key; a damaged file counts as missing."""
    if not (folder.path / _file(trial)).exists():
        return None
    try:
        arrays = folder.read_arrays(_file(trial))
        predicted = arrays["predicted"]
        if str(arrays["key"]) != trial.key or predicted.shape != trial.test.shape:
            return None
        outcome = Outcome(
            predicted=predicted,
            losses=tuple(arrays["losses"].tolist()),
            seconds=float(arrays["seconds"]),
            device=str(arrays["device"]),
            network_weights={
                name.removeprefix(WEIGHTS_PREFIX): array
                for name, array in arrays.items()
                if name.startswith(WEIGHTS_PREFIX)
            },
        )
    except (RunError, KeyError, TypeError, ValueError):
        return None
    folder.keep(_file(trial))
    return outcome
