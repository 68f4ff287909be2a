"""Settings files and numbers that ask for no end are refused in one line, before anything is loaded."""

import os

import pytest
from conftest import posix

import audit
from audit.noise.rates import rates_in
from audit.settings.detect import Config
from audit.settings.experiments import ImpactSettings, SweepSettings
from audit.settings.report import check_report_mb


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"noise = [", "Invalid value"),
        (b'x = "\xff"', "invalid start byte"),
        (b"x = " + b"[" * 5000, "nested too deeply"),
        (b"a." * 100_000 + b"b = 1", "line 1 has more than 100 dots"),
        (b"\n[" + b"a . " * 200 + b"b]", "line 2 has more than 100 dots"),
        (b"#" * 1_000_001, "larger than 1,000,000 bytes"),
        (b"\0", "cannot be read as TOML"),
    ],
)
@pytest.mark.parametrize("name", ["audit.toml", "pyproject.toml"])
def test_a_settings_file_that_cannot_be_read_is_named(run_audit, tmp_path, name, content, why):
    (tmp_path / name).write_bytes(content)
    done = run_audit("detect", "digits", "--dry-run", check=2)
    assert done.stderr.startswith(f"audit: {tmp_path / name} cannot be read as TOML (")
    assert done.stderr.endswith("; correct it, or move it away\n")
    assert why in done.stderr


@posix
def test_a_settings_file_that_is_no_file_is_named(run_audit, tmp_path):
    path = tmp_path / "audit.toml"
    path.mkdir()
    assert f"{path} cannot be read as TOML (Is a directory)" in run_audit("detect", "digits", check=2).stderr
    path.rmdir()
    os.mkfifo(path)
    assert f"{path} cannot be read as TOML (it is a pipe" in run_audit("detect", "digits", check=2).stderr


@pytest.mark.parametrize("name", ["rounds", "repeats", "folds", "epochs", "jobs"])
def test_a_billion_of_anything_is_refused(name):
    with pytest.raises(audit.ConfigError, match=rf"^--{name} must be [0-9,]+ or less, found 1,000,000,000$"):
        Config.of(**{name: 10**9})
    for settings in (SweepSettings, ImpactSettings):
        with pytest.raises(audit.ConfigError, match=r"^--seeds must be 10,000 or less, found 1,000,000,000$"):
            settings(seeds=10**9)


@pytest.mark.parametrize("value", [float("inf"), float("nan"), float("-inf"), 0.0, -1.0, 1e308])
def test_a_number_that_no_page_has_is_refused_at_once(value):
    with pytest.raises(audit.ConfigError, match=r"^--report-mb must be megabytes, "):
        Config.of(report_mb=value)
    with pytest.raises(audit.ConfigError, match=r"^--report-mb must be megabytes, "):
        check_report_mb(value)


@pytest.mark.parametrize("text", ["0:1:1e-999999999", "0:1e-99999999999999999:1", "1e999999999", "0:1:-0"])
def test_rates_that_have_no_end_are_refused_at_once(text):
    with pytest.raises(audit.ConfigError, match=r"^--noise "):
        rates_in(text)
