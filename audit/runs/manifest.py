"""What a folder says it is: a run or an experiment of this package, of this format, and what files it has.

Two files say it, so that either can be made again: manifest.json, and a small mark beside it. A folder is
known by what they hold, never by their names.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from audit.errors import RunError
from audit.runs.documents import conforms, document_in

PRODUCT = "label-audit"
FORMAT = 6
MANIFEST = "manifest.json"
MARK = ".label-audit"
SEAL = "sha256"
ELSEWHERE = "choose a new folder with --out"

FORM: Mapping[str, Any] = {  # of a finished run, beside what every manifest has
    "repeat": str,
    "config": dict[str, Any],
    "data": dict[str, Any],
    "class_names": tuple[str, ...],
    "folds": tuple[dict[str, Any], ...],
    "versions": dict[str, str],
    "files": dict[str, str],
}
STAGE: Mapping[str, Any] = {"key": str, "settings": dict[str, Any]}


@dataclass(frozen=True)
class Identity:
    """What is in a folder, as far as manifest and mark tell."""

    kind: str | None  # run, or an experiment's name; None where nothing of ours is there
    manifest: Mapping[str, Any]  # empty where there is none, or it is damaged
    mark: Mapping[str, Any]  # the same
    damage: str | None = None  # of a manifest that the mark vouches for: damaged or missing
    foreign: str | None = None  # what is there instead, as a part of a sentence


def identify(folder: Path) -> Identity:
    """Read what a folder says it is."""
    mark = _ours(_read(folder / MARK)[0])
    if mark.get(SEAL) != _seal(mark):
        mark = {}
    content, why = _read(folder / MANIFEST)
    marked = mark.get("format") == FORMAT
    if content is None:
        if marked:
            damage = "missing" if why is None else "damaged"
            return Identity(mark["kind"], {}, mark, damage=damage)
        if why is None:
            names = visible_names(folder)
            foreign = f"other files ({min(names)} …) and no run" if names else None
        else:
            foreign = f"a {MANIFEST} that cannot be read ({why}), so it is unknown what it belongs to"
        return Identity(None, {}, {}, foreign=foreign)
    if content.get("format") != FORMAT and _looks_like_a_run(content):
        made = f"a run of another format ({content.get('format')!r:.20}, expected {FORMAT})"
        return Identity(None, {}, {}, foreign=f"{made}, made by another version of label-audit")
    ours = _ours(content)
    if not ours:
        return Identity(None, {}, {}, foreign=f"a {MANIFEST} of something else and no run")
    if ours.get(SEAL) != _seal(ours):
        return Identity(ours["kind"], {}, mark, damage="damaged")
    return Identity(ours["kind"], ours, mark)


def sealed(kind: str, content: Mapping[str, Any]) -> dict[str, Any]:
    """A manifest or a mark of this kind, with its own sha256."""
    document = {"product": PRODUCT, "kind": kind, "format": FORMAT, **content}
    return {**document, SEAL: _seal(document)}


def is_finished(manifest: Mapping[str, Any]) -> bool:
    """Whether a manifest is that of a finished run, with everything that one has."""
    stages = manifest.get("stages")
    if not conforms(stages, dict[str, dict[str, Any]]) or not {"noise", "folds", "issues"} <= set(
        stages or ()
    ):
        return False
    if not all(map(_is_inside, manifest.get("files") or ())):
        return False
    parts = [(manifest, FORM), *((stage, STAGE) for stage in manifest["stages"].values())]
    return all(conforms(part.get(name), each) for part, form in parts for name, each in form.items())


def _is_inside(name: str) -> bool:
    """Whether a file of this name is in the folder."""
    path = PurePath(name)
    return not path.is_absolute() and ".." not in path.parts


def visible_names(folder: Path) -> set[str]:
    """The names in a folder that are not hidden; none where there is no folder."""
    if not folder.exists():
        return set()
    return {each.name for each in folder.iterdir() if not each.name.startswith(".")}


def _read(path: Path) -> tuple[dict[str, Any] | None, str | None]:
    """The JSON object in a file; else None and why, where there is a file."""
    if not path.exists() and not path.is_symlink():
        return None, None
    try:
        content = document_in(path)
    except ValueError as error:
        return None, str(error)
    if not isinstance(content, dict):
        return None, "no JSON object"
    return content, None


def _ours(content: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """The content where it is of this package, empty where it is not."""
    if content is None or content.get("product") != PRODUCT or not conforms(content.get("kind"), str):
        return {}
    return content


def _looks_like_a_run(content: Mapping[str, Any]) -> bool:
    """Whether a manifest is of this package, also of a version that did not say so."""
    if content.get("product") == PRODUCT:
        return True
    return isinstance(content.get("format"), int) and isinstance(content.get("stages"), dict)


def _seal(content: Mapping[str, Any]) -> str:
    """The sha256 of a manifest, but for itself and the folder of the data, which may move with it."""
    document = {name: value for name, value in content.items() if name != SEAL}
    if isinstance(document.get("data"), dict):
        document["data"] = {**document["data"], "folder": None}
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


def refuse(folder: Path, identity: Identity, what_to_do: str = ELSEWHERE) -> None:
    """RunError where a folder holds something else, or something of another format."""
    if identity.foreign is not None:
        raise RunError(f"{folder} holds {identity.foreign}; {what_to_do}")
