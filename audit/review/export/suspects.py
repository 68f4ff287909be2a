"""The suspects of a run as plain values, and where their examples are."""

from dataclasses import asdict, dataclass
from pathlib import Path, PurePath
from typing import Any

from audit.datasets.sources.trees import ENDINGS
from audit.runs.folder import RunRecord

DIGITS = 6  # of probabilities


@dataclass(frozen=True)
class Suspect:
    """An original label that looks wrong."""

    rank: int  # from 1, worst first
    id: str
    row: int  # in the source, from 0
    given: str
    suggested: str
    label_quality: float  # 0 worst … 1 best
    p_error: float
    hash: str  # 16 hexadecimal digits of the sha256 of its example
    votes: str = ""  # the labels that several people gave, if any

    @property
    def sentence(self) -> str:
        """The suspect in one line."""
        votes = f"; votes: {self.votes}" if self.votes else ""
        return (
            f"{self.id} is labelled {self.given!r}; {self.suggested!r} is likelier "
            f"(estimated probability of an error {self.p_error:.3f}{votes})"
        )

    def to_json(self) -> dict[str, Any]:
        """The fields by name, without votes where there are none."""
        return {name: value for name, value in asdict(self).items() if name != "votes" or value}


def suspects(record: RunRecord) -> list[Suspect]:
    """List the natural suspects, worst first, without hidden controls."""
    names = record.class_names
    issues = record.suspects
    return [
        Suspect(
            rank=rank,
            id=str(record.ids[row]),
            row=int(record.rows[row]),
            given=names[record.labels.original[row]],
            suggested=names[issues.suggested[row]],
            label_quality=round(float(issues.label_quality[row]), DIGITS),
            p_error=round(float(issues.p_error[row]), DIGITS),
            hash=f"{record.hashes[row]:016x}",
            votes=record.votes_on(row),
        )
        for rank, row in enumerate(issues.ranking.tolist(), 1)
    ]


def are_images(record: RunRecord) -> bool:
    """Whether the examples are images, else features."""
    return len(record.data["shape"]) == 4


def is_image_file(record: RunRecord, name: str) -> bool:
    """Whether the id is the path of an image."""
    return are_images(record) and PurePath(name).suffix.lower() in ENDINGS


def image_folder(record: RunRecord) -> Path:
    """The folder to which the paths of images are relative, if it has not moved."""
    data = Path(record.data["folder"] or "", record.config["data"])
    if data.is_dir():
        return data
    return data.parent


def source_file(record: RunRecord) -> str | None:
    """The file that holds the labels, as the run was told; None where the labels are not in a user's file."""
    if record.data["folder"] is None:
        return None
    named = record.config["y"]
    if record.config["X"] is not None:
        named = named or record.config["annotations"]
    if named is not None:
        return str(named)
    data = str(record.config["data"])
    if record.data["folder"] or Path(data).is_absolute():
        return data
    return None
