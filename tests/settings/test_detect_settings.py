import json
import shlex
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import audit
from audit.cli import app
from audit.settings.detect import Config, default_name
from audit.settings.fields import SettingsGroup, flat

names = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=8)
kinds = st.one_of(
    st.fixed_dictionaries(
        {"noise": st.none() | st.floats(0, 1) | st.just(1)},
        optional={
            "noise_kind": st.sampled_from(("symmetric", "stratified", "pair", "instance")),
            "sampling": st.sampled_from(("exact", "bernoulli")),
            "inclusive": st.booleans(),
        },
    ),
    st.fixed_dictionaries({"noise_kind": st.just("map"), "noise_map": names}),
    st.fixed_dictionaries({"noise_kind": st.just("scramble"), "possible_values": names}),
    st.fixed_dictionaries({"noise_kind": st.just("matrix"), "noise_matrix": names.map(Path)}),
)
rest = st.fixed_dictionaries(
    {}, optional={"seed": st.integers(0, 2**40), "folds": st.integers(2, 9), "limit": st.integers(1, 99)}
)


@given(kinds, rest)
def test_settings_survive_json(noise, others):
    config = Config.of(**noise, **others)
    assert Config.of(**json.loads(json.dumps(config.to_json()))) == config


@given(kinds, rest)
def test_the_command_says_all_that_decides_the_run(noise, others):
    config = Config.of("digits", **noise, **others)
    _, bound, _ = app.parse_args(shlex.split(config.command())[1:], exit_on_error=False, print_error=False)
    groups = [group for group in bound.arguments.values() if isinstance(group, SettingsGroup)]
    assert Config.of(**flat(*groups)) == config


@given(kinds, rest)
def test_the_call_says_all_that_decides_the_run(noise, others):
    config = Config.of(**noise, **others)
    told = {}
    eval(config.call(), {"audit": type("audit", (), {"detect": lambda X, y, **s: told.update(s)}), "X": 0, "y": 0})  # noqa: S307  # fmt: skip
    assert Config.of(**told) == config


def test_a_tenth_is_changed_unless_a_matrix_says_how_much():
    assert Config().noise.noise == 0.1
    assert Config.of().noise.noise == 0.1
    assert Config.of(noise=0).noise.noise == 0
    assert Config.of(pred_probs=Path("p.npy")).noise.noise == 0
    assert Config.of(noise_kind="matrix", noise_matrix=Path("T.npy")).noise.noise is None


def test_commands_are_short():
    assert Config().command() == "audit detect mnist --noise 0.1"
    assert Config.of(noise=1.0, inclusive=True).command() == "audit detect mnist --noise 1 --inclusive"
    config = Config.of("digits", noise_kind="matrix", noise_matrix=Path("my T.npy"))
    assert config.command() == "audit detect digits --noise-kind matrix --noise-matrix 'my T.npy'"
    assert config.call() == "audit.detect(X, y, noise_kind='matrix', noise_matrix='my T.npy')"
    minus = Config.of("digits", noise_kind="map", noise_map="-1:1")
    assert minus.command() == "audit detect digits --noise 0.1 --noise-kind map --noise-map=-1:1"


def test_folders_are_named_after_kind_and_rate():
    assert default_name("digits", Config.of(noise=0.25, seed=3)) == "digits-symmetric-0.25-s3"
    assert default_name("digits", Config.of(noise_kind="matrix")) == "digits-matrix-s0"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"noise": 0.1, "noise_kind": "matrix"}, "--noise must be left out with --noise-kind matrix, whose matrix gives the rate, found 0.1"),
        ({"noise": float("nan")}, "--noise must be a share from 0 to 1, found nan; 10 % is 0.1"),
        ({"min_class_size": 0}, "--min-class-size must be a whole number of 1 or more, found 0"),
        ({"folds": 2.5}, "--folds must be a whole number of 2 or more, found 2.5"),
        ({"noise_kind": "odd"}, "--noise-kind must be symmetric, stratified, scramble, pair, asymmetric, map, matrix, confusion or instance, found 'odd'"),
        ({"sampling": "odd"}, "--sampling must be exact or bernoulli, found 'odd'"),
        ({"colour": 1, "epoch": 2, "Folds": 3}, "unknown settings: 'Folds' (did you mean folds?), 'colour', 'epoch' (did you mean epochs?); audit detect --help lists them"),
        ({"noise": "10%"}, "--noise must be a share from 0 to 1, found '10%'; 10 % is 0.1"),
        ({"noise_map": {0: 1}}, "--noise-map must be text such as '0:1,1:0', found {0: 1}"),
        ({"possible_values": [0, 1]}, "--possible-values must be text such as '0,1,2', found [0, 1]"),
    ],
)  # fmt: skip
def test_settings_that_cannot_be_are_refused(settings, message):
    with pytest.raises(audit.ConfigError) as caught:
        Config.of(**settings)
    assert str(caught.value) == message
