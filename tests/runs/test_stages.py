"""What the keys of a run's stages depend on, and that keys of older versions still hold."""

from dataclasses import fields
from typing import Literal, get_args, get_origin

import numpy as np
import pytest

from audit.noise.options import ConfiguredNoise
from audit.runs import stages
from audit.settings.detect import Config

OLD = {  # settings and arrays of runs since models are compared (decision 0024), and their keys
    "default": (
        {},
        ("aaf825206959f3a972698bf7bac96df91324e673c9d291e65b05cd83cfa62383", "b1e3b965e4dcf496155c2d852e5968d7898843e54c85661bc7aa3ff53a4f8b99", "c72fbd8fbd044ad78fb6b36c7c892e908639d68f0f4d8cbc9950b327bccb52cf"),
    ),
    "pair": (
        {"noise": 0.3, "noise_kind": "pair", "truth": "process", "kinds_of": "all", "rounds": 1, "seed": 3},
        ("15af02840ec6317da8ed1b1ea2d6c77083981b920d9f7a99fc95fd45baec4c19", "9aff086429d68744e85e90fbcf90627147fccd1fad5f124a676e9ddb78731633", "65d31c6a3e2b39bf53246826380c187b0cfac1c1e42d5f5d12650cda91d4c85f"),
    ),
    "matrix": (
        {"noise_kind": "matrix", "noise_matrix": "T.csv", "controls": 5, "kinds": "ambiguous"},
        ("179dabd52d6699eb4b024bbc42a51fc1d278046254f4598e754c7e24daad2f91", "9ae47738588257702016af618c43fc7a425ba9694788b7017443a69675cf32d9", "0417f5d1249ac065a1634dda4578994faa26c9e484a489be4a06c4ad8e006f5f"),
    ),
    "all of training": (
        {"noise": 0.5, "noise_kind": "scramble", "possible_values": "0,1,2", "sampling": "bernoulli", "folds": 3, "preset": "fast", "epochs": 2, "augment": "none", "balance": True, "model": "cnn", "device": "cpu", "detector": "cleanlab", "repeats": 2},
        ("a5dae8abe390886cd15620754cc424889bccac86c45681ed2b184338464b50a3", "3b97e0729c2fd229feaf1f29f1c43ff0eb58ff64a180979e7fe50a82153059f4", "e46273de984f67970152c7a27bdcbecd77ad2195f9f92d7289421e6e168d082c"),
    ),
    "no noise": (
        {"noise": 0, "jobs": 2, "map": True, "guidelines": "g.md", "report_mb": 9, "out": "x", "limit": 100},
        ("64447eec5a46de2f0535d38b0239b03220f01b78c417d89200b0cb12c83a26ed", "9bb5de6e2fc3c48fbc3608cbe722bccc7f7e74ace11af4ffb0f591e0219e9bd0", "d6fd39946b227fdbfb7b619b9d475f945fe38c294ffe218d229e234d1d68a498"),
    ),
}  # fmt: skip
ARRAYS = {"all of training": {"sample_weight": np.arange(3.0)}}
PARTS = {"no noise": np.array(["train", "test", "test"])}


@pytest.fixture(autouse=True)
def first_version(monkeypatch):
    """The version of the package is part of a key."""
    monkeypatch.setattr(stages, "version", lambda _: "0.1.0")


def keys(settings, arrays=None, part=None):
    config = Config.of(**settings)
    made = stages.of_run(config, ConfiguredNoise.of(config), "f" * 8, arrays or {}, part)
    return {stage.name: stage.key for stage in made}


@pytest.mark.parametrize("name", OLD)
def test_stages_of_older_runs_are_still_reused(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "T.csv").write_text("0.9,0.1\n0.2,0.8\n")
    settings, expected = OLD[name]
    assert tuple(keys(settings, ARRAYS.get(name), PARTS.get(name)).values()) == expected


def other_value(field):
    """A value of a setting that is not the default."""
    special = {
        "noise": 0.2,
        "noise_kind": "pair",
        "report_mb": 7,
        "kinds": "ambiguous",
        "data": "digits",
        "detector": "margins",
    }
    if field.name in special:
        return special[field.name]
    kinds = [field.type] if get_origin(field.type) is Literal else get_args(field.type) or [field.type]
    choices = [choice for kind in kinds if get_origin(kind) is Literal for choice in get_args(kind)]
    if choices:
        return next(choice for choice in choices if choice != field.default)
    return {bool: True, int: 7, str: "some"}.get(kinds[0], "some.npy")


NEEDS = {  # settings that cannot be given alone
    "X": {"y": "y.npy"},
    "y": {"X": "X.npy"},
    "noise_map": {"noise_kind": "map"},
    "possible_values": {"noise_kind": "scramble"},
    "pred_probs": {"noise": 0.0},
}
STAGES = ("noise", "folds", "issues")
SETTINGS = [
    field
    for group in fields(Config)
    for field in fields(type(group.default))
    if field.name not in ("noise_map", "noise_matrix")  # the kinds map and matrix need them: see below
]


@pytest.mark.parametrize("field", SETTINGS, ids=lambda field: field.name)
def test_a_setting_changes_the_keys_from_its_stage_on_and_no_other(field):
    needed = NEEDS.get(field.name, {})
    base = keys({name: value for name, value in needed.items() if name not in ("X", "y")})
    other = keys({**needed, field.name: other_value(field)})
    first = next((stage for stage in STAGES if stage in field.metadata["decides"]), None)
    changed = STAGES[STAGES.index(first) :] if first else ()
    assert tuple(stage for stage in STAGES if base[stage] != other[stage]) == changed


def test_a_map_and_a_matrix_change_the_keys(tmp_path):
    maps = [keys({"noise_kind": "map", "noise_map": text}) for text in ("0:1", "1:0")]
    assert maps[0]["noise"] != maps[1]["noise"]
    for name, text in (("T", "1,0\n0,1\n"), ("same", "1,0\n0,1\n"), ("other", "0,1\n1,0\n")):
        (tmp_path / f"{name}.csv").write_text(text)
    first, same, other = (
        keys({"noise_kind": "matrix", "noise_matrix": tmp_path / f"{name}.csv"})
        for name in ("T", "same", "other")
    )
    assert first == same
    assert first["noise"] != other["noise"]


def test_the_matrix_file_is_read_once(tmp_path):
    (tmp_path / "T.csv").write_text("1,0\n0,1\n")
    config = Config.of(noise_kind="matrix", noise_matrix=tmp_path / "T.csv")
    noise = ConfiguredNoise.of(config)
    (tmp_path / "T.csv").unlink()
    assert noise.key_settings(config)["noise_matrix"] is not None
    assert noise.matrix.tolist() == [[1, 0], [0, 1]]
