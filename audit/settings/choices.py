"""The values that settings can choose from, by the names that flags, tables and pages share."""

from typing import Literal, get_args

from audit.errors import ConfigError

Preset = Literal["fast", "default", "thorough"]
Augment = Literal["none", "shift", "affine", "mirror"]
Device = Literal["auto", "cpu", "cuda", "mps"]
NoiseName = Literal[
    "symmetric", "stratified", "scramble", "pair", "asymmetric", "map", "matrix", "confusion", "instance"
]
Sampling = Literal["exact", "bernoulli"]
DetectorName = Literal[
    "posterior",
    "deconvolution",
    "consensus",
    "combined",
    "votes",
    "margins",
    "self-confidence",
    "normalized-margin",
    "entropy",
    "given-differs",
    "cleanlab",
    "cleanlab-class",
    "cleanlab-both",
    "cleanlab-confident",
    "cleanlab-margin",
    "cleanlab-confidence",
]
Truth = Literal["consensus", "process"]
KindsOf = Literal["suspects", "all"]
Measure = Literal["training", "detection"]
ExportFormat = Literal["label-studio", "cvat", "csv", "jsonl", "sarif", "junit"]
KindName = Literal["mislabelled", "ambiguous", "atypical", "low quality", "duplicate", "off-topic", "none"]

DEFAULT_DETECTOR: DetectorName = "posterior"  # of flipped labels
DEFAULT_TRUTH: Truth = "consensus"  # what "wrong" means in labels that the tool did not change
KINDS: tuple[KindName, ...] = get_args(KindName)
SYNTHETIC_KINDS = tuple(kind for kind in KINDS if kind != "duplicate")  # synthetic rows have these


def kinds_in(text: str | None) -> tuple[str, ...]:
    """The kinds in a list with commas, all when there is none; ConfigError for one that does not exist."""
    names = tuple(name.strip() for name in str(text or "").split(",") if name.strip())
    for name in names:
        if name not in KINDS:
            raise ConfigError(f"--kinds must be some of {', '.join(KINDS)}, comma-separated, found {name!r}")
    return names or KINDS
