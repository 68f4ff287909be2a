"""How a run was made, as pairs of a word and a fact: the command, data, noise, models, times."""

import re

from audit.detectors.scores import NoiseFigures
from audit.runs.folder import RunRecord
from audit.wording import percent, share_of, shared_rows

SENSES = {
    "process": "changed without a look at the example (process)",
    "consensus": "most careful people would give another label (consensus)",
}


def _estimated(noise: NoiseFigures) -> str:
    """The estimated noise rates, of the labels with the changed ones and of the original labels."""
    noisy, original = (share_of(rate, noise.rows) for rate in (noise.estimated, noise.natural))
    before = f"{noisy} of the labels with the changed ones, " if noise.changed else ""
    return f"{before}{original} of the original labels; only labels that were {SENSES['process']} count"


def _work(record: RunRecord) -> str:
    """The models, and how often they were cross-validated."""
    if not record.folds:
        return "none: the probabilities were given"
    rounds = len({fold["round"] for fold in record.folds})
    model = f"{record.data.get('model', record.config['model'])} model, {record.config['preset']}"
    if rounds == 1:
        return f"{model}: 1 cross-validation"
    return f"{model}: {rounds} cross-validations; the last trained on {record.scores.kept:,} rows"


def _data(record: RunRecord) -> str:
    """The data set, its size and the form of its examples."""
    sides = record.data["shape"][1:]
    if len(sides) > 1:
        examples = f"images of {' × '.join(map(str, sides))}"
    elif sides[0]:
        examples = f"rows of {sides[0]} features"
    elif record.data.get("texts"):
        examples = "texts"
    elif record.data.get("records"):
        examples = "records"
    else:
        examples = "labels without examples"
    counted = f"{record.data['name']}: {len(record.ids):,} {examples}"
    return f"{counted}, {record.data['dtype']}" if any(sides) else counted


def _noise(record: RunRecord) -> str:
    """The noise that was added: its kind, the rate that was asked for and the one that came about."""
    if not record.injected:
        return "none: no label was changed"
    noise = record.scores.noise
    requested = "by its matrix"
    if noise.requested is not None:
        requested = f"{100 * noise.requested:.4g} % asked for"
    kind = record.config["noise_kind"]
    return f"{kind}, {requested}, {noise.changed:,} labels changed ({percent(noise.realised)} %)"


def facts(record: RunRecord) -> tuple[tuple[str, str], ...]:
    """How the run was made, as pairs of a word and a fact; the command that repeats it comes first.

    A blind review does not tell how many controls there are, nor how many labels seem to be wrong.
    """
    scores = record.scores
    parts = scores.several_parts
    apart = ""
    if not any(part.shared for part in parts):
        apart = "; ".join(shared_rows(part.part, part.rows, part.shared, part.exact) for part in parts)
    blind = len(record.controls.rows) > 0
    repeat = re.sub(r"(controls[ =])\d+", r"\1…", record.repeat) if blind else record.repeat
    return (
        ("repeat it", repeat),
        ("data", _data(record)),
        *[("note", line) for line in record.data["notes"]],
        ("fingerprint", f"sha256 {record.data['fingerprint']}"),
        *[("parts", apart)] * bool(apart),
        ("noise", _noise(record)),
        *[("noise estimated", _estimated(scores.noise))] * (not blind),
        ("seed", str(record.config["seed"])),
        ("wrong means", SENSES[scores.suspects.truth]),
        ("detector", f"{scores.detector}, for the labels that were changed on purpose"),
        ("models", _work(record)),
        ("time", ", ".join(f"{step} {seconds:.1f} s" for step, seconds in scores.timings.items())),
        ("versions", ", ".join(f"{name} {number}" for name, number in record.versions.items())),
    )
