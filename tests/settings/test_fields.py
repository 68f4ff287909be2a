from dataclasses import dataclass, fields
from typing import get_args

import pytest

from audit import noise
from audit.detectors import DETECTORS, TRUTHS
from audit.noise import transitions
from audit.review.export import FORMATS
from audit.settings import choices
from audit.settings.detect import Config
from audit.settings.experiments import ImpactSettings, SweepSettings
from audit.settings.fields import SettingsGroup, setting
from audit.settings.gates import Limits
from audit.settings.inject import InjectSettings
from audit.training.schedule import PRESETS

GROUPS = [
    *(type(group.default) for group in fields(Config)),
    SweepSettings,
    ImpactSettings,
    InjectSettings,
    Limits,
]


def test_a_setting_has_to_declare_what_it_decides():
    with pytest.raises(TypeError, match="decides"):
        setting(0, "Help.")

    @dataclass(frozen=True, kw_only=True)
    class Careless(SettingsGroup):
        epochs: int = 3

    with pytest.raises(TypeError, match=r"Careless\.epochs does not declare what it decides"):
        Careless()


@pytest.mark.parametrize("group", GROUPS)
def test_every_setting_has_help_that_is_one_or_more_sentences(group):
    for each in fields(group):
        assert each.metadata["help"].endswith("."), each.name
        assert "  " not in each.metadata["help"], each.name
        assert "\n" not in each.metadata["help"], each.name  # help pages would break the line there


def test_no_setting_of_a_run_has_two_homes():
    names = [each.name for group in fields(Config) for each in fields(type(group.default))]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("kind", "table"),
    [
        (choices.DetectorName, DETECTORS),
        (choices.NoiseName, noise.NOISE_KINDS),
        (choices.Sampling, noise.SAMPLINGS),
        (choices.Truth, sorted(TRUTHS)),
        (choices.Preset, PRESETS),
        (choices.ExportFormat, FORMATS),
    ],
)
def test_choices_are_the_names_in_the_table_that_has_them(kind, table):
    assert get_args(kind) == tuple(table)
    assert set(transitions.BY_RATE) <= set(get_args(choices.NoiseName))
