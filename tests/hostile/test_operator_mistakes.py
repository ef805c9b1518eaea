"""Mistakes in backgrounds of peaks and responses: each named with its place and what to do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from bayesbeam.config import load_campaign
from bayesbeam.config.keys import candidate_key
from bayesbeam.config.specs import CandidateSpec
from bayesbeam.errors import ConfigErrors, ModelError
from bayesbeam.io.store import Measurement
from bayesbeam.sampling.engines.choose import engine_for
from bayesbeam.stages.build import build_target
from bayesbeam.stages.operators import prior_draws

LINE = "{name: line, component: gaussian, priors: {amplitude: half_normal(5), position: 'uniform(3, 7)'}}"
LEVEL = "{name: level, component: constant, priors: {level: half_normal(1)}}"
STEP = "{name: step, component: shirley, acts_on: [line]}"
BLUR = "{name: blur, component: gaussian_response, priors: {fwhm: 'uniform(0.1, 1)'}}"
SEEN = "{name: seen, component: measured_response, file: seen.txt}"
GOOD_FILE = "# difference of place, signal\n-0.5 0\n0 1\n0.5, 0\n"
SHEET = "id\tfile\nm\tm.csv\n"
PARTS = "candidates.c.parts"


def spec_of(folder: Path, *parts: str, file: str | bytes = GOOD_FILE, axis: str = "") -> CandidateSpec:
    listed = "\n".join(f"      - {part}" for part in parts)
    text = f"campaign: t\ntreatments: {{default: {{axis: {{quantity: '{axis or 'x'}'}}}}}}\n"
    text += f"candidates:\n  c:\n    parts:\n{listed}\n    noise: {{sigma: 0.1}}\n"
    (folder / "campaign.yaml").write_text(text, encoding="utf-8")
    (folder / "measurements.tsv").write_text(SHEET, encoding="utf-8")
    (folder / "seen.txt").write_bytes(file if isinstance(file, bytes) else file.encode())
    return load_campaign(folder).expanded("c")[0].spec


MISTAKES: list[tuple[tuple[str, ...], str, list[str]]] = [
    # nothing to act on
    ((LEVEL, "{component: shirley}"), f"{PARTS}[1]", ["shirley, but no peak in the candidate", "acts_on: [level]"]),
    ((LEVEL, "{component: tougaard}"), f"{PARTS}[1]", ["tougaard, but no peak in the candidate"]),
    ((LEVEL, "{component: gaussian_response}"), f"{PARTS}[1]", ["no part with a place of its own on the axis"]),
    (("{component: shirley}",), f"{PARTS}[0]", ["shirley, but no peak in the candidate"]),
    ((LINE, "{component: shirley, acts_on: [lines]}"), f"{PARTS}[1].acts_on[0]", ["'lines'", "Did you mean line?"]),
    ((LINE, STEP, "{component: tougaard, acts_on: [step]}"), f"{PARTS}[2].acts_on[0]", ["no background or response"]),
    ((LINE, BLUR, "{component: voigt_response}"), f"{PARTS}[2]", ["acting on line, as blur does", "Remove one."]),
    # keys where they mean nothing
    ((LINE[:-1] + ", acts_on: [line]}",), f"{PARTS}[0].acts_on", ["acts_on with component gaussian"]),
    ((LINE, STEP[:-1] + ", file: seen.txt}"), f"{PARTS}[1].file", ["file with component shirley"]),
    ((LINE, STEP[:-1] + ", of: gaussian}"), f"{PARTS}[1].of", ["of: gaussian with component shirley"]),
    ((LINE, STEP[:-1] + ", count: 2}"), f"{PARTS}[1].count", ["count 2 of shirley"]),
    ((LINE, STEP[:-1] + ", count: 0..1}"), f"{PARTS}[1].count", ["count 0..1", "a second candidate without this part"]),
    ((LINE, "{component: shirly}"), f"{PARTS}[1].component", ["Did you mean shirley?"]),
    # widths of nothing
    ((LINE, "{component: gaussian_response, fixed: {fwhm: 0}}"), f"{PARTS}[1].fixed.fwhm", ["fwhm = 0", "above 0"]),
    ((LINE, SEEN[:-1] + ", fixed: {stretch: 0}}"), f"{PARTS}[1].fixed.stretch", ["stretch = 0", "above 0"]),
    ((LINE, "{component: gaussian_response, fixed: {fwhm: -1}}"), f"{PARTS}[1].fixed.fwhm", ["fwhm = -1"]),
    # files
    ((LINE, "{component: measured_response}"), f"{PARTS}[1]", ["a measured_response without file"]),
    ((LINE, SEEN.replace("seen.txt", "none.txt")), f"{PARTS}[1].file", ["none.txt", "which is no file"]),
]


@pytest.mark.parametrize(("parts", "where", "words"), MISTAKES)
def test_a_mistake_is_named(tmp_path: Path, parts: tuple[str, ...], where: str, words: list[str]) -> None:
    with pytest.raises(ConfigErrors) as caught:
        spec_of(tmp_path, *parts)
    (line,) = [line for line in str(caught.value).splitlines() if f"{where}: " in line]
    assert all(word in line for word in words), line


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("", "with 0 points; expected 3 to 400"),
        ("0 1\n", "with 1 points; expected 3 to 400"),
        ("".join(f"{k} 1\n" for k in range(401)), "with 401 points; expected 3 to 400. Thin it out."),
        ("-1 0\n0 1\n1 -0.5\n", "-0.5 at 1; expected a signal of at least 0"),
        ("-1 0\n0 0\n1 0\n", "which is 0 throughout"),
        ("-1 0\n0 1\n0 1\n1 0\n", "the place 0 twice"),
        ("-1 0\nhere 1\n1 0\n", "line 2: 'here 1'; expected two columns of numbers"),
        ("-1 0 3\n", "line 1: '-1 0 3'; expected two columns of numbers"),
        ("-1 nan\n", "line 1: '-1 nan'"),
        (b"\xff\xfe\x00\x01", "which is no text"),
        (b"0 1\n" * 300_000, "bytes; expected at most"),
    ],
)
def test_a_file_that_is_no_response_is_refused(tmp_path: Path, file: str | bytes, words: str) -> None:
    with pytest.raises(ConfigErrors, match=r"parts\[1\]\.file") as caught:
        spec_of(tmp_path, LINE, SEEN, file=file)
    assert words in str(caught.value)


@pytest.mark.parametrize("file", ["gone.txt", ".", "../gone/seen.txt", "/dev/zero", '"a\\0b"'])
def test_a_response_that_is_no_file_is_refused(tmp_path: Path, file: str) -> None:
    with pytest.raises(ConfigErrors, match=r"parts\[1\]\.file: .*no file; expected a text file, relative to the camp"):
        spec_of(tmp_path, LINE, SEEN.replace("seen.txt", file))


@pytest.mark.parametrize("absolute", [False, True])
def test_a_response_may_lie_where_other_files_may(tmp_path: Path, absolute: bool) -> None:
    """As data, calibrations and components do: relative to the campaign's folder, or absolute."""
    home = tmp_path / "campaign"
    home.mkdir()
    other = tmp_path / "instrument.txt"
    other.write_text("-1 0\n0 1\n1 0\n", encoding="utf-8")
    spec = spec_of(home, LINE, SEEN.replace("seen.txt", str(other) if absolute else "../instrument.txt"))
    assert spec.parts[1].table == ((-1.0, 0.0), (0.0, 1.0), (1.0, 0.0))


@pytest.mark.parametrize(
    ("axis", "side", "bad"),
    [("binding energy", 1, True), ("Kinetic energy", -1, True), ("binding energy", -1, False), ("energy", 1, False)],
)
def test_a_background_on_the_wrong_side_is_refused(tmp_path: Path, axis: str, side: int, bad: bool) -> None:
    part = STEP[:-1] + f", fixed: {{side: {side}}}}}"
    if not bad:
        spec_of(tmp_path, LINE, part, axis=axis)
        return
    with pytest.raises(ConfigErrors, match=rf"parts\[1\]: side {side}, as of a .* Write fixed: \{{side: {-side}\}}"):
        spec_of(tmp_path, LINE, part, axis=axis)


def test_keys_change_with_what_is_acted_on_and_with_the_response(tmp_path: Path) -> None:
    other = LINE.replace("name: line", "name: other")
    both = [
        spec_of(tmp_path, LINE, other, STEP),
        spec_of(tmp_path, LINE, other, STEP.replace("[line]", "[line, other]")),
    ]
    files = [spec_of(tmp_path, LINE, SEEN, file=f) for f in (GOOD_FILE, GOOD_FILE.replace("0 1", "0 1\n0.1 1"))]
    keys = [candidate_key(spec, None) for spec in (*both, *files)]
    assert len(set(keys)) == 4
    # rows in another order, other separators and words are the same response
    again = spec_of(tmp_path, LINE, SEEN, file="0.5;0\n0;1\n-0.5;0\n")
    assert candidate_key(again, None) == keys[2]


def measurement(low: float = 0.0, high: float = 10.0) -> Measurement:
    x = np.linspace(low, high, 60)
    return Measurement("m", x, np.exp(-((x - 5.0) ** 2)), None, x_unit="eV", noise_estimate=0.1)


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ("{component: gaussian_response, priors: {fwhm: 'uniform(1, 21)'}}", "wider than the data, which span 10"),
        ("{component: gaussian_response, fixed: {fwhm: 30}}", "full width 30, wider than the data, which span 10"),
        ("{component: voigt_response, fixed: {gaussian_fwhm: 1, lorentzian_fwhm: 30}}", "full width 30"),
        ("{component: lorentzian_response, fixed: {fwhm: 10.1}}", "wider than the data"),
        ("{name: seen, component: measured_response, file: seen.txt, fixed: {stretch: 11}}", "from a file over 11"),
    ],
)
def test_what_does_not_fit_the_data_is_refused(tmp_path: Path, part: str, words: str) -> None:
    spec = spec_of(tmp_path, LINE, LEVEL, part)
    with pytest.raises(ModelError, match=r"measurement m: .*% of the prior; expected ") as caught:
        build_target(spec, [[measurement()]])
    assert words in str(caught.value)


@pytest.mark.parametrize("part", [STEP, BLUR, "{component: tougaard}"])
def test_without_any_peak_there_is_nothing_to_act_on(tmp_path: Path, part: str) -> None:
    """A range of counts that begins at none: the curve is that of the other parts, on every engine."""
    spec_of(tmp_path, LINE[:-1] + ", count: 0..1}", LEVEL, part)
    model = load_campaign(tmp_path).expanded("c")[0]
    assert model.count == 0
    target = build_target(model.spec, [[measurement()]])
    theta = prior_draws(target)[:, :, :3]
    level = theta[..., [slot.name for slot in target.slots].index("level.level"), None]
    torch.testing.assert_close(target.rows(theta).sum(0), level.to(target.dtype).expand(1, 1, 3, 1, 60))
    torch.testing.assert_close(target.curves(theta).sum(0), level.to(target.dtype).expand(1, 1, 3, 1, 60))
    exact = target.log_likelihood(target.rows(theta).sum(0), theta)
    torch.testing.assert_close(engine_for(target).start(theta).log_likelihood, exact, rtol=1e-5, atol=1e-3)


def test_what_fits_is_built(tmp_path: Path) -> None:
    for part in (BLUR, SEEN, STEP, "{component: tougaard}", "{component: lorentzian_response}"):
        target = build_target(spec_of(tmp_path, LINE, LEVEL, part), [[measurement()]])
        assert len(target.terms) == 2


def test_a_line_narrower_than_the_points_is_seen_through_a_response(tmp_path: Path) -> None:
    """Points at a spacing of 0.17, lines 0.024 wide: refused alone, and not with a resolution of 0.5."""
    narrow = LINE.replace("}}", "}, fixed: {sd: 0.01}}")
    with pytest.raises(ModelError, match="narrower at half height than"):
        build_target(spec_of(tmp_path, narrow, LEVEL), [[measurement()]])
    for part in ("{component: gaussian_response, fixed: {fwhm: 0.5}}", SEEN):
        target = build_target(spec_of(tmp_path, narrow, LEVEL, part), [[measurement()]])
        curve = target.rows(prior_draws(target))[0, 0, 0, :, 0]
        assert bool((curve.amax(-1) > 0).all())


def test_a_response_acts_on_peaks_and_steps_and_on_no_smooth_background(tmp_path: Path) -> None:
    """A straight line is the same through any response of one middle, and would cost as much as a peak."""
    smooth = [f"{{component: {name}}}" for name in ("linear", "quadratic", "cubic", "exponential", "spline")]
    edge = "{name: edge, component: arctan_step}"
    *_, response = spec_of(tmp_path, LINE, edge, *smooth, "{component: gaussian_response}").parts
    assert response.acts_on == ("line", "edge")
    *_, response = spec_of(tmp_path, LINE, *smooth, "{component: gaussian_response, acts_on: [line, spline]}").parts
    assert response.acts_on == ("line", "spline")
