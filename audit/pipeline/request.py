"""What an audit is asked for: data, settings, what a caller hands over, and the keys of its steps."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from audit import datasets
from audit.datasets.examples import fingerprint
from audit.datasets.given_rows import given_hashes
from audit.datasets.lazy_rows import LAZY_BYTES
from audit.datasets.source import Source
from audit.datasets.unchanged import FileStates, changed_error, in_memory, mapped_file
from audit.datasets.validation import ChosenRows
from audit.errors import AuditError
from audit.events import Listener
from audit.noise.options import ConfiguredNoise
from audit.pipeline.embedding import Embedding
from audit.review.guidelines import read_guidelines
from audit.runs import stages
from audit.runs.stages import Stage
from audit.settings.detect import Config
from audit.training import embedders
from audit.training.cross_validation import read_shape, threads_of_folds
from audit.types import Features, LabeledDataset, Votes

NO_FILES = FileStates()


@dataclass(frozen=True, eq=False)
class AuditRequest:
    """The data of an audit, its settings, and what a caller hands over beside them."""

    dataset: LabeledDataset
    config: Config
    noise: ConfiguredNoise
    model: Any  # a name, or a classifier to clone
    repeat: str  # the command or call that makes this run again
    pred_probs: npt.ArrayLike | None = None  # of every row of the source
    sample_weight: npt.ArrayLike | None = None  # of every row of the source
    folder: str | None = None  # that the source's path is relative to; None for data in memory
    source: FileStates = NO_FILES  # that the data is from, as they were read
    embedding: Embedding | None = None  # by which models see the examples
    guidelines: str = ""  # by which labels were given, for those who review them

    def embedding_by(self, embed: Any) -> Self:
        """The request with the embedder that is asked for, if any, tried; AuditError when that fails."""
        if embed is None:
            return self
        embedding = Embedding.of(embed, self.dataset, self.config.training.device)
        dataset = replace(self.dataset, notes=(*self.dataset.notes, embedding.note))
        return replace(self, dataset=dataset, embedding=embedding)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of what models read."""
        if self.embedding is None:
            return read_shape(self.dataset.X, self.dataset.as_given)
        return len(self.dataset.labels), self.embedding.width

    @property
    def shapes(self) -> set[tuple[int, ...]]:
        """The shapes of all that the models may read which `auto` stands for."""
        if self.embedding is None or self.model != "auto":
            return {self.shape}
        return {self.shape, read_shape(self.dataset.X, self.dataset.as_given)}

    @property
    def mapped(self) -> Path | None:
        """The file that the models read as they are trained; None for data in memory."""
        return mapped_file(self.dataset.whole.X)

    @property
    def mapped_probs(self) -> Path | None:
        """The file that the labels are judged by while it is mapped; None for probabilities in memory."""
        if not isinstance(self.pred_probs, np.memmap) or self.pred_probs.nbytes <= LAZY_BYTES:
            return None
        return mapped_file(self.pred_probs)

    @property
    def mapped_source(self) -> FileStates:
        """The files of the data, where models or detectors read them while they work; none otherwise."""
        return self.source if self.mapped or self.mapped_probs else NO_FILES

    @property
    def reads_given(self) -> bool:
        """Whether the models get examples as they came: objects do, and all where there are no numbers."""
        return self.embedding is None and reads_given(self.model, self.dataset)


def reads_given(model: Any, dataset: LabeledDataset) -> bool:
    """Whether a model gets examples as they came: objects do, and all where there are no numbers."""
    return dataset.as_given is not None and not (isinstance(model, str) and dataset.has_numbers)


def request_of(config: Config, source: Source, chosen: ChosenRows) -> "AuditRequest":
    """What the settings ask for, of the chosen rows of the source that they name."""
    own_probs = config.predictions.pred_probs
    dataset = datasets.without_giveaways(datasets.read_chosen(source, chosen), config.data.keep_columns)
    return AuditRequest(
        dataset=in_memory(dataset),
        config=config,
        noise=ConfiguredNoise.of(config),
        model=config.training.model,
        repeat=config.command(),
        pred_probs=None if own_probs is None else datasets.read_probabilities(own_probs),
        folder=datasets.folder_of(config.data),
        guidelines=read_guidelines(config.report.guidelines),
    )


def open_source(config: Config, listener: Listener | None = None) -> Source:
    """Open the data that the settings name, with the features that are given for it."""
    source = datasets.open_source(config.data, listener)
    return replace(source, features=ready_features(config.predictions.embed))


def ready_features(embed: Any) -> Features | None:
    """The features that are given in place of an embedder, in a file or not; None where there are none."""
    if embed is None or not embedders.is_ready(embed):
        return None
    if isinstance(embed, str):
        return datasets.read_features(Path(embed))
    return datasets.checked_features(embed, "embed")


def stages_of(request: AuditRequest) -> tuple[Stage, ...]:
    """The steps of the run: noise, folds and issues, and embed before them where there is an embedder."""
    dataset = request.dataset
    arrays: dict[str, npt.ArrayLike | None] = {
        "pred_probs": request.pred_probs,
        "sample_weight": request.sample_weight,
        "groups": dataset.groups,
        "order": dataset.order,
        **_vote_arrays(dataset.votes),
    }
    if request.reads_given and dataset.as_given is not None and not dataset.as_given.numeric:
        arrays["as_given"] = given_hashes(dataset.as_given)
    threads = [1]
    if request.pred_probs is None:
        of_shapes = (threads_of_folds(shape, request.config.training.folds) for shape in request.shapes)
        threads = max(of_shapes, key=max)
    before: tuple[Stage, ...] = ()
    fingerprint = dataset.fingerprint
    if request.embedding is not None:
        before = (request.embedding.stage,)
        fingerprint = request.embedding.stage.key
    after = stages.of_run(request.config, request.noise, fingerprint, arrays, dataset.part, threads)
    return (*before, *after)


def _vote_arrays(votes: Votes | None) -> dict[str, npt.ArrayLike | None]:
    """What several people's labels are, for the key of a run."""
    if votes is None:
        return {}
    return {
        "votes": np.stack([votes.rows, votes.annotators, votes.labels]),
        "annotators": np.frombuffer("\0".join(votes.names).encode(), dtype=np.uint8),
    }


def refuse_changed(request: AuditRequest) -> None:
    """Raise DataError when the data is not what it was when the run began.

    Of a mapped file, which models read while they were trained, any change counts, also one that was undone
    since; of data in memory what the files hold now.
    """
    changed = request.source.changed()
    if request.mapped is not None:
        whole = request.dataset.whole
        if changed or fingerprint(whole.X, whole.labels, whole.class_names) != whole.fingerprint:
            raise changed_error(changed or request.mapped)
    elif changed is not None and request.folder is None:
        if changed == request.mapped_probs:
            raise changed_error(changed)
    elif changed is not None and not _reads_the_same(request):
        raise changed_error(changed)


def _reads_the_same(request: AuditRequest) -> bool:
    """Whether the files that the settings name hold what the run was made of."""
    try:
        source = open_source(request.config)
        chosen = datasets.choose_rows(source, datasets.selection(request.config))
        again = request_of(request.config, source, chosen).embedding_by(request.config.predictions.embed)
    except AuditError:
        return False
    return stages_of(again)[-1].key == stages_of(request)[-1].key
