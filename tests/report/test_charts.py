"""The plots: text of 12 pixels at any width, dots that stand for rows, axes that start where they say."""

import re

import pytest

from audit.detectors.calibration import Bin
from audit.detectors.scoring import wilson
from audit.report import charts

pytestmark = pytest.mark.usefixtures("pictures")


def test_charts_have_a_fixed_size_and_text_of_twelve_pixels(finished_run):
    record = finished_run[0].record
    for draw in (charts.precision_recall, charts.reliability, charts.confidence, charts.training_losses):
        svg = charts.to_svg(charts.figure(draw, record, charts.PAGE), "x")
        assert 'width="360" height="270"' in svg
        assert set(re.findall(r'font-size="([^"]+)"', svg)) == {"12px"}


def test_axes_that_do_not_start_at_zero_say_so(finished_run):
    record = finished_run[0].record
    svg = charts.to_svg(charts.figure(charts.precision_recall, record, charts.PAGE), "x")
    start = re.search(r"recall, %( \(axis starts at (\d+)\))?", svg)
    drawn = charts.figure(charts.precision_recall, record, charts.PAGE)
    low = drawn.axes[0].get_xlim()[0]
    assert start[2] == (f"{100 * low:.0f}" if low else None)
    for name in record.scores.main_detectors:
        assert name in svg


def test_counts_start_at_zero(finished_run):
    record = finished_run[0].record
    for draw in (charts.confidence, charts.training_losses):
        axes = charts.figure(draw, record, charts.PAGE).axes[0]
        assert axes.get_ylim()[0] == 0
        assert axes.get_yscale() == "linear"


def test_bins_of_few_rows_join_their_neighbours():
    bins = [
        Bin(0.0, 0.1, 100, 0.05, wilson(4, 100)),
        Bin(0.3, 0.4, 1, 0.35, wilson(0, 1)),
        Bin(0.5, 0.6, 1, 0.55, wilson(1, 1)),
        Bin(0.9, 1.0, 50, 0.97, wilson(49, 50)),
    ]
    joined = charts.merged(bins)
    assert [each.rows for each in joined] == [102, 50]
    assert joined[0].changed == wilson(5, 102)
    assert joined[0].stated == pytest.approx((5 + 0.35 + 0.55) / 102)
    assert charts.merged(bins[1:3])[0].rows == 2
