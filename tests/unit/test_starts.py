"""Starting points of a candidate: what they mean at every count, what is wrong with them, what states they become."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

# A plain helper beside these tests, which no import path of the package leads to.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bayesbeam.config import LoadedCampaign, load_campaign
from bayesbeam.config.keys import candidate_key
from bayesbeam.errors import ConfigErrors
from bayesbeam.io.samples import read_records
from bayesbeam.io.store import read_measurement
from bayesbeam.stages.build import build_target
from bayesbeam.stages.members import misfit
from bayesbeam.stages.starts import starting_points
from stage_fixture import HASTY, make_lab, peak

EAGER = HASTY.replace("device: cpu", "device: cpu, engine: eager")
CAMPAIGN = """\
campaign: starts
candidates:
  lines:
    parts:
      - component: gaussian
        name: peaks
        count: 1..3
        priors: {amplitude: "uniform(0, 4)", sd: "log_uniform(0.1, 10)"}
      - {component: constant, fixed: {level: 0}}
    noise: {sigma: "log_uniform(0.01, 1)"}
    starts: STARTS
  flat:
    parts: [{component: constant}]
"""


def load(folder: Path, starts: str) -> LoadedCampaign:
    """Load a campaign with these starting points on its eleventh line."""
    (folder / "campaign.yaml").write_text(CAMPAIGN.replace("STARTS", starts))
    (folder / "measurements.tsv").write_text("id\tfile\na\ta.txt\nb\tb.txt\n")
    return load_campaign(folder)


def test_a_start_serves_the_counts_that_it_fits(tmp_path: Path) -> None:
    text = "[{peaks.position: [1, 2], peaks.sd: 0.5}, {peaks.sd: 1, noise.sigma: 0.1}, {peaks.position: [3]}]"
    campaign = load(tmp_path, text)
    starts = {tag: campaign.by_tag(tag).spec.starts for tag in ("lines-k1", "lines-k2", "lines-k3", "flat")}
    assert [len(starts[tag]) for tag in starts] == [2, 2, 1, 0]
    two = starts["lines-k2"][0]
    assert [two.value("peaks", "position", index) for index in (1, 2)] == [1.0, 2.0]
    assert [two.value("peaks", "sd", index) for index in (1, 2)] == [0.5, 0.5]
    assert two.value("peaks", "amplitude", 1) is None
    assert starts["lines-k3"][0].value("noise", "scale", None) == 0.1


def test_starts_are_part_of_the_key_of_what_they_serve(tmp_path: Path) -> None:
    def keys(text: str) -> dict[str, str]:
        return {m.tag: candidate_key(m.spec, m.count) for m in load(tmp_path, text).all_expanded()}

    without, one = keys("[]"), keys("[{peaks.position: [1, 2]}]")
    assert {tag for tag in one if one[tag] != without[tag]} == {"lines-k2"}
    assert keys("[{peaks.position: [1.0, 2e0]}]") == one
    assert keys("[{peaks.position: [2, 1]}]")["lines-k2"] != one["lines-k2"]


MISTAKES = [
    ("[{peaks.positon: [1, 2]}]", "starts[0].peaks.positon", ["the unknown parameter", "Did you mean peaks.position?"]),
    ("[{position: 1}]", "starts[0].position", ["the unknown parameter 'position'", "Did you mean peaks.position?"]),
    ("[{constant.level: 0}]", "starts[0].constant.level", ["the unknown parameter", "a free parameter"]),
    ("[{noise.scale: 1}]", "starts[0].noise.scale", ["the unknown parameter", "noise.sigma"]),
    ("[{noise.sigma: [1, 1]}]", "starts[0].noise.sigma", ["2 values of noise.sigma; expected a single number"]),
    ("[{peaks.position: [1, 2, 3, 4]}]", "starts[0].peaks.position", ["4 values", "1 to 3, one for each peaks"]),
    ("[{peaks.position: [1, 2], peaks.sd: [1]}]", "starts[0]", ["1 values of peaks.sd and 2 of peaks.position"]),
    ("[{peaks.sd: 0.5}, {peaks.sd: 0.01}]", "starts[1].peaks.sd", ["peaks.sd = 0.01", "between 0.1 and 10"]),
    ("[{peaks.amplitude: [1, 9]}]", "starts[0].peaks.amplitude", ["= 9; expected a value between 0 and 4"]),
    ("[{peaks.position: x}]", "starts[0].peaks.position", ["'x'; expected a number"]),
    ("[{peaks.position: .nan}]", "starts[0].peaks.position", ["a number, or a list"]),
    ("[{peaks.position: []}]", "starts[0].peaks.position", ["a number, or a list with one for each"]),
    ("{peaks.position: 1}", "starts", ["expected a list"]),
    ("[3]", "starts[0]", ["3; expected a section with keys"]),
]


@pytest.mark.parametrize(("text", "place", "words"), MISTAKES, ids=[text for text, _, _ in MISTAKES])
def test_mistakes(tmp_path: Path, text: str, place: str, words: list[str]) -> None:
    with pytest.raises(ConfigErrors) as caught:
        load(tmp_path, text)
    (found,) = map(str, caught.value.problems)
    assert f"campaign.yaml line 11: candidates.lines.{place}: " in found
    for word in words:
        assert word in found


CANDIDATES = """\
  lines:
    parts:
      - {component: gaussian, name: peaks, count: 2, priors: {amplitude: "uniform(0, 4)", sd: "log_uniform(0.1, 10)"}}
      - {component: constant}
    noise: {family: normal, sigma: 0.1}
    starts: STARTS
"""


def test_states_are_the_stated_values_and_medians(tmp_path: Path) -> None:
    text = CANDIDATES.replace("STARTS", "[{peaks.position: [2.5, 0.5]}, {peaks.amplitude: 3, constant.level: 0.25}]")
    lab = make_lab(tmp_path, {"a": peak(0), "b": peak(1, points=40)}, text, sampling=EAGER)
    lab.preprocess()
    members = [read_measurement(lab.measurements / f"{name}.h5") for name in "ab"]
    spec = lab.campaign.by_tag("lines").spec
    target = build_target(spec, [members], frozenset({"peaks.sd"}))
    (states,) = starting_points(spec, target, [members]) or []
    assert states.shape == (2, 2, 7)
    assert states.dtype == torch.float64
    # Slots: amplitude, position, sd of one peak and the other, level. Medians: 2, and 1 of log_uniform(0.1, 10).
    middle = [0.5 * (m.y.min() + m.y.max()) for m in members]
    for d, m in enumerate(members):
        low, high = m.x.min(), m.x.max()
        np.testing.assert_allclose(states[0, d], [2, 2.5, 1, 2, 0.5, 1, middle[d]], rtol=1e-12)
        quarters = [low + 0.25 * (high - low), low + 0.75 * (high - low)]
        np.testing.assert_allclose(states[1, d], [3, quarters[0], 1, 3, quarters[1], 1, 0.25], rtol=1e-12)
    theta = states.permute(1, 0, 2)[None, :, :, None]
    target.check(theta)
    assert torch.isfinite(target.log_prior(theta)).all()
    alone = build_target(spec, [[m] for m in members][:1])
    assert starting_points(spec, alone, [members[:1]])[0].shape == (2, 1, 7)  # type: ignore[index]


def test_no_starts_are_none(tmp_path: Path) -> None:
    lab = make_lab(tmp_path, {"a": peak(0)}, CANDIDATES.replace("STARTS", "[]"), sampling=EAGER)
    lab.preprocess()
    m = read_measurement(lab.measurements / "a.h5")
    spec = lab.campaign.by_tag("lines").spec
    assert starting_points(spec, build_target(spec, [[m]]), [[m]]) is None


def test_a_start_outside_the_data_refuses_that_measurement_by_name(tmp_path: Path) -> None:
    text = CANDIDATES.replace("count: 2", "count: 1").replace("STARTS", "[{peaks.position: 2.9}]")
    shifted = "".join(f"{k / 20:.3f} {1 + (k % 3) / 10}\n" for k in range(40))
    lab = make_lab(tmp_path, {"a": peak(0), "narrow": shifted}, text, sampling=EAGER)
    lab.preprocess()
    spec = lab.campaign.by_tag("lines").spec
    assert misfit(spec, read_measurement(lab.measurements / "a.h5")) == ""
    reason = misfit(spec, read_measurement(lab.measurements / "narrow.h5"))
    assert reason.startswith("measurement narrow: a start of peaks.position: 2.9 lies outside its prior for these data")
    found = read_records(lab.sample("lines"))
    assert found["narrow"].facts["refused"] == reason
    assert "refused" not in found["a"].facts
