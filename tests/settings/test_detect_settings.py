import json
import shlex
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import audit
from audit.cli import app
from audit.settings.detect import Config, default_name

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
    config = Config(**noise, **others)
    assert Config.from_json(json.loads(json.dumps(config.to_json()))) == config


@given(kinds, rest)
def test_the_command_says_all_that_decides_the_run(noise, others):
    config = Config("digits", **noise, **others)
    _, bound, _ = app.parse_args(shlex.split(config.command())[1:], exit_on_error=False, print_error=False)
    assert bound.arguments["config"] == config


@given(kinds, rest)
def test_the_call_says_all_that_decides_the_run(noise, others):
    config = Config(**noise, **others)
    told = {}
    eval(config.call(), {"audit": type("audit", (), {"detect": lambda X, y, **s: told.update(s)}), "X": 0, "y": 0})  # noqa: S307  # fmt: skip
    assert Config.from_json(told) == config


def test_a_tenth_is_changed_unless_a_matrix_says_how_much():
    assert Config().noise == 0.1
    assert Config(noise=0).noise == 0
    assert Config(noise_kind="matrix", noise_matrix=Path("T.npy")).noise is None


def test_commands_are_short():
    assert Config().command() == "audit detect mnist --noise 0.1"
    assert Config(noise=1.0, inclusive=True).command() == "audit detect mnist --noise 1 --inclusive"
    config = Config("digits", noise_kind="matrix", noise_matrix=Path("my T.npy"))
    assert config.command() == "audit detect digits --noise-kind matrix --noise-matrix 'my T.npy'"
    assert config.call() == "audit.detect(X, y, noise_kind='matrix', noise_matrix='my T.npy')"
    minus = Config("digits", noise_kind="map", noise_map="-1:1")
    assert minus.command() == "audit detect digits --noise 0.1 --noise-kind map --noise-map=-1:1"


def test_folders_are_named_after_kind_and_rate():
    assert default_name("digits", Config(noise=0.25, seed=3)) == "digits-symmetric-0.25-s3"
    assert default_name("digits", Config(noise_kind="matrix")) == "digits-matrix-s0"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"noise": 0.1, "noise_kind": "matrix"}, "--noise must be left out with --noise-kind matrix, whose matrix gives the rate, found 0.1"),
        ({"noise": "10%"}, "--noise must be a share from 0 to 1, found '10%'; 10 % is 0.1"),
        ({"noise_map": {0: 1}}, "--noise-map must be text such as '0:1,1:0', found {0: 1}"),
        ({"possible_values": [0, 1]}, "--possible-values must be text such as '0,1,2', found [0, 1]"),
    ],
)  # fmt: skip
def test_settings_that_cannot_be_are_refused(settings, message):
    with pytest.raises(audit.ConfigError) as caught:
        Config(**settings)
    assert str(caught.value) == message
