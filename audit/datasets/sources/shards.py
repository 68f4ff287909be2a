"""WebDataset: shards in tar archives, in which files of one name before the first dot are a sample."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd

from audit import wording
from audit.datasets.files import most_unpacked, reading, refuse_dense
from audit.datasets.source import Source
from audit.datasets.sources.archives import images_in_folders, is_image
from audit.datasets.sources.columns import LABELS, usual_column
from audit.datasets.sources.encoded import Encoded
from audit.datasets.sources.json_records import COSTS, NUMBER_BYTES, flattened
from audit.datasets.sources.table_files import Table
from audit.datasets.sources.tables import source_of_table
from audit.datasets.sources.tars import Member, members, tars_in
from audit.errors import DataError
from audit.events import Listener
from audit.settings.data import DataSettings

CLASS = "cls"  # the ending of files that hold the class of a sample
TEXT = "txt"
RECORD = "json"

Sample = dict[str, Member]  # by what follows the first dot of a file's name


def load_shards(path: Path, settings: DataSettings, listener: Listener) -> Source:
    """Load the samples of a tar archive, or of all archives in a folder, in the order of their names.

    The label of a sample is in its file .cls, in a field of its file .json that is called as the label
    columns of tables are, or else in its file .txt. Where images have no such files, they are read as those
    of a folder.

    Raises
    ------
    DataError
        When there are no samples or no labels, or an archive cannot be read.
    """
    shards = [path]
    if path.is_dir():
        shards = tars_in(path)
    samples: dict[tuple[Path, PurePosixPath], Sample]
    samples = {(shard, key): each for shard in shards for key, each in _samples(shard).items()}
    kept = {place: each for place, each in samples.items() if _images_in(each)} or samples
    endings = Counter(ending for each in kept.values() for ending in each)
    if not endings.keys() & {CLASS, RECORD, TEXT}:
        return _load_folders(path, list(kept.values()), settings, listener)
    rows = [_row(shard, key, each, endings) for (shard, key), each in kept.items()]
    frame = _framed(rows, path, sum(shard.stat().st_size for shard in shards))
    notes: tuple[str, ...] = ()
    if len(kept) < len(samples):
        notes = (f"{wording.count(len(samples) - len(kept), 'sample')} without an image left out",)
    if settings.label_column is None:
        settings = replace(settings, label_column=_label_column(list(frame.columns)))
    return source_of_table(Table(frame, notes, "text", packed=True), path, settings, listener)


def _samples(shard: Path) -> dict[PurePosixPath, Sample]:
    """The files of each sample of a shard, by its path without what follows the first dot of the name."""
    samples: dict[PurePosixPath, Sample] = {}
    for member in members(shard):
        stem, _, ending = member.path.name.partition(".")
        samples.setdefault(member.path.with_name(stem), {})[ending.lower()] = member
    return samples


def _images_in(sample: Sample) -> list[str]:
    """The endings of a sample's files that are images."""
    return [ending for ending, member in sample.items() if is_image(member.path)]


def _row(shard: Path, key: PurePosixPath, sample: Sample, endings: Counter[str]) -> dict[str, Any]:
    """A sample as a row: its images, its texts, and the fields of its record; DataError for a damaged one.

    Images of the most frequent ending come first.
    """
    row: dict[str, Any] = {}
    for ending in sorted(_images_in(sample), key=lambda each: (-endings[each], each)):
        name = f"{key}.{ending}"
        row[ending] = Encoded(f"{shard}/{name}", sample[ending].read, name)
    with reading(
        shard, f"has the sample {wording.writable(str(key))!r}, which cannot be read", "; correct it"
    ):
        for ending in (CLASS, TEXT):
            if ending in sample:
                row[ending] = sample[ending].read().decode("utf-8-sig").strip()
        if RECORD in sample:
            content = sample[RECORD].read()
            refuse_dense(content, COSTS)
            record = json.loads(content)
            if not isinstance(record, dict):
                raise TypeError("its .json holds no object")
            json.dumps(record, ensure_ascii=False).encode()  # half of a surrogate pair is no text
            row |= {field: value for field, value in flattened(record).items() if field not in row}
    return row


def _framed(rows: Sequence[Mapping[str, Any]], path: Path, size: int) -> pd.DataFrame:
    """The rows as a frame; DataError where that takes far more than archives of this size."""
    columns = dict.fromkeys(column for row in rows for column in row)
    needed = NUMBER_BYTES * len(rows) * len(columns)
    if needed > most_unpacked(size):
        raise DataError(
            f"{path} has records of {len(columns):,} different fields, expected the same few in all of "
            f"{len(rows):,} samples; leave the others out"
        )
    return pd.DataFrame(rows, columns=list(columns))


def _label_column(columns: Sequence[str]) -> str | None:
    """The column of labels, where it is none that tables have."""
    if CLASS in columns:
        return CLASS
    if TEXT in columns and usual_column(columns, LABELS) is None:
        return TEXT
    return None


def _load_folders(
    path: Path, samples: Sequence[Sample], settings: DataSettings, listener: Listener
) -> Source:
    """Load images that have no labels beside them by the folders that they are in."""
    files: dict[PurePosixPath, Encoded] = {}
    for sample in samples:
        for ending in _images_in(sample):
            member = sample[ending]
            if member.path in files:
                raise DataError(f"{path} has two images called {member.path}, expected one; rename one")
            files[member.path] = Encoded(f"{path}/{member.path}", member.read)
    if not files:
        raise DataError(
            f"{path} has no images and no samples with labels, expected images beside files of the same name "
            "that end in .cls, .json or .txt, or in folders of their classes; check the archive"
        )
    return images_in_folders(path, files, settings, listener)
