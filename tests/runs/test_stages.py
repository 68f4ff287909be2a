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
        ("aaf825206959f3a972698bf7bac96df91324e673c9d291e65b05cd83cfa62383", "52b632b73b950085d7f823542b6faf3588a94189047d83a4a6baa62c57481b8b", "8f813d0a676e98cb9406ccd630ca4e3e672707f1ed389faf6a941226553e0be8"),
    ),
    "pair": (
        {"noise": 0.3, "noise_kind": "pair", "truth": "process", "kinds_of": "all", "rounds": 1, "seed": 3},
        ("15af02840ec6317da8ed1b1ea2d6c77083981b920d9f7a99fc95fd45baec4c19", "d87ea91e2d9e7bd2e9afdcb6752e3af15485aa6f8a7c714f7950a40c7a5f4d99", "ee1a0e2d2e430afd8893b50360871068adf412a02ccb1dac7212f1d596ebd55e"),
    ),
    "matrix": (
        {"noise_kind": "matrix", "noise_matrix": "T.csv", "controls": 5, "kinds": "ambiguous"},
        ("179dabd52d6699eb4b024bbc42a51fc1d278046254f4598e754c7e24daad2f91", "5fa0086cbb8c41014c8833da2856a0d6f1d1a03649d48d44ca86d288bb6b5da0", "df9c9f0a32122dd66e2a006df9e6f5fbf57aa58e9f28bd1abd3e9bf2256cfde0"),
    ),
    "all of training": (
        {"noise": 0.5, "noise_kind": "scramble", "possible_values": "0,1,2", "sampling": "bernoulli", "folds": 3, "preset": "fast", "epochs": 2, "augment": "none", "balance": True, "model": "cnn", "device": "cpu", "detector": "cleanlab", "repeats": 2},
        ("a5dae8abe390886cd15620754cc424889bccac86c45681ed2b184338464b50a3", "8f80a5a2e94ef9387aedb1d91560013650af6924deffcfefdb1e39057951681a", "36b41dddad71a397af841904e26a8c8a3b778e8aa697478b61ddb16a3a769f0c"),
    ),
    "no noise": (
        {"noise": 0, "jobs": 2, "map": True, "guidelines": "g.md", "report_mb": 9, "out": "x", "limit": 100},
        ("64447eec5a46de2f0535d38b0239b03220f01b78c417d89200b0cb12c83a26ed", "78c54507a25b84fc77f67ff13ebd1f5c2813412f347d58034fde9de7f879f317", "17459078b2edd713cd32f32f924b7ff72b23b8bac81c90fa452c29cf990d67bd"),
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
