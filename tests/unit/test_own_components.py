"""Components of a campaign's own files: found by name, doubled, and part of the keys by their content."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import pytest
import torch

# A plain helper beside these tests, which no import path of the package leads to.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bayesbeam.config import LoadedCampaign, load_campaign
from bayesbeam.config.keys import candidate_key
from bayesbeam.errors import ConfigErrors, ModelError
from bayesbeam.io.samples import read_records
from bayesbeam.models import registry
from stage_fixture import HASTY, Lab, make_lab, peak

PEAK = """\
from bayesbeam.models.base import centre, full_width, height

name = "sech"
title = "squared hyperbolic secant"
exchangeable = True
order_by = "position"
amplitude = "amplitude"
locations = ["position"]
widths = ["fwhm"]
parameters = [height(), centre(), full_width()]


def formula(m, x, amplitude, position, fwhm):
    return amplitude * (1.0 - m.square(m.tanh((x - position) / fwhm)))
"""
CAMPAIGN = """\
campaign: own
components: parts/sech.py
candidates:
  lines:
    parts: [{component: sech, count: 1..2, priors: {fwhm: "uniform(0.1, 1)"}}, {component: constant}]
  pair:
    parts: [{name: pair, component: doublet, of: sech, widths: own}]
  ours:
    parts: [{component: gaussian}]
integration:
  - {group: both, measurements: [a, b], candidate: lines, shared: [sech.fwhm]}
"""


def write(folder: Path, peak: str = PEAK, campaign: str = CAMPAIGN) -> Path:
    (folder / "parts").mkdir(parents=True, exist_ok=True)
    (folder / "parts" / "sech.py").write_text(peak)
    (folder / "campaign.yaml").write_text(campaign)
    (folder / "measurements.tsv").write_text("id\tfile\na\ta.txt\nb\tb.txt\n")
    return folder


def keys(campaign: LoadedCampaign) -> dict[str, str]:
    return {model.tag: candidate_key(model.spec, model.count) for model in campaign.all_expanded()}


def test_own_components_are_built_with_their_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write(tmp_path / "one")
    monkeypatch.chdir(tmp_path)
    campaign = load_campaign(folder)
    line = campaign.by_tag("lines-k2").spec.part("sech")
    assert (line.component, line.count) == ("sech", 2)
    assert [str(p.prior) for p in line.parameters[1:]] == ["uniform(low=x_min, high=x_max)", "uniform(low=0.1, high=1)"]
    assert [p.source for p in line.parameters] == ["default", "default", "campaign"]
    assert load_campaign(folder) == campaign
    assert line.build() is campaign.by_tag("lines-k1").spec.part("sech").build()


def test_a_doublet_of_an_own_component(tmp_path: Path) -> None:
    part = load_campaign(write(tmp_path)).by_tag("pair").spec.part("pair")
    double, line = part.build(), load_campaign(tmp_path).by_tag("lines-k1").spec.part("sech").build()
    assert [p.name for p in part.parameters] == list(double.parameter_names)
    assert double.parameter_names == ("amplitude", "position", "fwhm", "splitting", "ratio", "fwhm_2")
    x = torch.linspace(-2, 2, 9, dtype=torch.float64)
    theta = torch.tensor([2.0, -0.5, 0.7, 1.25, 0.5, 0.3], dtype=torch.float64)
    second = torch.tensor([1.0, 0.75, 0.3], dtype=torch.float64)
    torch.testing.assert_close(double.forward(x, theta), line.forward(x, theta[:3]) + line.forward(x, second))


@pytest.mark.parametrize("twice", ["ratio", "fwhm_2"])
def test_a_doublet_of_a_peak_that_has_its_names_already(tmp_path: Path, twice: str) -> None:
    peak = PEAK.replace("import centre", "import REAL, Parameter, centre")
    peak = peak.replace("h()]", f'h(), Parameter("{twice}", "x", "uniform(0, 1)", REAL, "a tail", (0.2, 0.8))]')
    folder = write(tmp_path, peak.replace("position, fwhm)", "position, fwhm, tail)"))
    with pytest.raises(ConfigErrors) as caught:
        load_campaign(folder)
    (found,) = map(str, caught.value.problems)
    assert "campaign.yaml line 7: candidates.pair.parts[0].of: " in found
    assert f"a peak with {twice}, as a doublet names what it makes for two lines; expected other names." in found
    with pytest.raises(ModelError, match=f"doublet of sech: {twice} twice: .*; expected each name once"):
        registry.own(registry.read_own_file(folder / "parts" / "sech.py"), "own")


def test_the_content_of_a_file_is_part_of_the_keys_of_those_that_use_it(tmp_path: Path) -> None:
    one = keys(load_campaign(write(tmp_path / "one")))
    moved = shutil.copytree(tmp_path / "one", tmp_path / "two" / "elsewhere")
    assert keys(load_campaign(moved)) == one
    changed = keys(load_campaign(write(tmp_path / "one", PEAK.replace("m.tanh", "2.0 * m.tanh"))))
    assert {tag for tag in one if changed[tag] != one[tag]} == {"lines-k1", "lines-k2", "pair"}
    absolute = CAMPAIGN.replace("parts/sech.py", f"[{moved / 'parts' / 'sech.py'}]")
    assert keys(load_campaign(write(tmp_path / "three", campaign=absolute))) == one


def test_a_file_is_a_component_without_a_campaign(tmp_path: Path) -> None:
    campaign = load_campaign(write(tmp_path))
    assert registry.load_file(tmp_path / "parts" / "sech.py") is campaign.by_tag("lines-k1").spec.part("sech").build()


ROOT = """\
from bayesbeam.models.base import REAL, Parameter

name = "root"
title = "square root of a depth"
exchangeable = False
parameters = (Parameter("depth", "y", "normal(mean=y_mid, sd=y_span)", REAL, "depth of the root", (0.5, 2.0)),)


def formula(m, x, depth):
    return m.sqrt(depth) + 0.0 * x
"""
DEEP = """\
  own:
    parts: [{component: root, priors: {depth: "uniform(-1, 1)"}}]
    noise: {family: normal, sigma: 0.1}
"""


@pytest.mark.parametrize("engine", ["eager", "cpu"])
def test_nan_inside_a_prior_but_outside_the_tried_range_refuses_the_candidate(tmp_path: Path, engine: str) -> None:
    """A formula is tried where its file says it is sensible; the prior of a campaign may reach further."""
    sampling = HASTY.replace("device", f"engine: {engine}, device")
    lab = make_lab(
        tmp_path, {"a": peak(0)}, DEEP.replace("root", "constant").replace("depth", "level"), sampling=sampling
    )
    text = (lab.campaign.folder / "campaign.yaml").read_text()
    (lab.campaign.folder / "root.py").write_text(ROOT)
    own = text.replace("constant", "root").replace("level", "depth") + "components: root.py\n"
    (lab.campaign.folder / "campaign.yaml").write_text(own)
    lab = Lab(load_campaign(lab.campaign.folder), lab.results)
    lab.preprocess()
    found = r"candidate own: candidate at root\.depth = -0\.\d+: the log-likelihood is not a number; expected a number"
    (record,) = read_records(lab.sample("own")).values()
    assert re.match(found, record.facts["refused"])
    assert not record.arrays
