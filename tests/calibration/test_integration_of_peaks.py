"""Pairs of spectra with one peak each, through the stages: the position is shared as often as it should be.

A nonlinear model, amplitude and width of each its own. The probability is that of a position that is normally
distributed with the spread that Fisher's information gives.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path

import numpy as np
import pytest

# A plain helper beside these tests, which no import path of the package leads to.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from scipy.stats import binomtest, norm

from bayesbeam.config.grouping import GroupModel
from bayesbeam.integration.single import Single
from bayesbeam.integration.two_stage import Product, product
from bayesbeam.io.samples import read_records
from bayesbeam.sampling.run import GroupName
from bayesbeam.stages.apart import Apart, apart, joint_gain
from bayesbeam.stages.joint import JointJob, sample_jointly
from bayesbeam.stages.keep import ALONE
from bayesbeam.stages.members import member_key
from bayesbeam.stages.sample import usable
from bayesbeam.stages.singles import singles_of
from stage_fixture import Lab, make_lab, no_news, rows

ONE = """\
  peaks:
    parts:
      - {component: gaussian, name: peak,
         priors: {amplitude: "uniform(0, 3)", position: "uniform(0, 3)", sd: "uniform(0.05, 0.5)"}}
    noise: {family: normal, sigma: 0.1}
"""
QUICK = "{target_standard_error: 5, seed: 7, max_sweeps: 600, chains: 8, replicas: 8, draws: 250, device: cpu}"
EXACT = QUICK.replace("error: 5", "error: 0.1").replace("600", "4000")
X = np.linspace(0.0, 3.0, 60)
NOISE, WIDTH, RANGE = 0.1, 0.2, 3.0
PLACE = 1.5
FALSE_ALARM = 1e-4


def variance() -> float:
    """Of a position by Fisher's information; amplitude and width of a symmetrical peak do not add to it."""
    slope = (X - PLACE) / WIDTH**2 * np.exp(-0.5 * ((X - PLACE) / WIDTH) ** 2)
    return NOISE**2 / float(slope @ slope)


def probability(difference: float) -> float:
    """That positions of two spectra which differ by so much are integrated: one parameter with a flat prior."""
    spread = math.sqrt(2.0 * variance())
    c = 2.0 * math.log(RANGE) - math.log(2.0 * math.pi * spread**2)
    step = difference / spread
    return float(norm.cdf(math.sqrt(c) - step) - norm.cdf(-math.sqrt(c) - step))


def lab_of(folder: Path, number: int, difference: float, sampling: str = QUICK) -> Lab:
    """Pairs of spectra, each sampled by itself."""
    generator = np.random.default_rng(int(1000 * difference))
    data = {}
    for k in range(number):
        for name, place in (("a", PLACE), ("b", PLACE + difference)):
            y = np.exp(-0.5 * ((X - place) / WIDTH) ** 2) + NOISE * generator.standard_normal(len(X))
            data[f"p{k}{name}"] = rows(X, y)
    lab = make_lab(folder, data, ONE, sampling=sampling)
    lab.preprocess()
    lab.sample("peaks")
    return lab


def pairs_of(lab: Lab) -> list[list[Single]]:
    """Posteriors of the position, pair by pair."""
    records = read_records(lab.draws("peaks"))
    members = usable(lab.campaign.ids, lab.measurements)
    spec = lab.campaign.expanded("peaks")[0].spec
    each = singles_of(spec, members, records, ["peak.position"]).each
    return [list(each[k : k + 2]) for k in range(0, len(each), 2)]


def integrated(pairs: list[list[Single]], off: float = 0.0) -> int:
    """Pairs for which one position is more probable than two."""
    return sum(product(one, errors=False).gain + off > 0.0 for one in pairs)


def covered(products: list[Product]) -> int:
    """Integrated intervals of 95 % that hold the truth; positions between 0 and 3, in coordinates without bounds."""
    truth = math.log(PLACE / (RANGE - PLACE))
    ends = [np.quantile(one.draw(2000)[:, 0], (0.025, 0.975)) for one in products]
    return sum(low < truth < high for low, high in ends)


def apart_of(lab: Lab, ids: list[str]) -> Apart:
    """Two measurements each by itself."""
    model = lab.campaign.expanded("peaks")[0]
    group = GroupModel(model.tag, model.count, ((model, tuple(ids)),))
    return apart(lab.campaign, group, usable(ids, lab.measurements), lab.results)


NIGHTLY = [pytest.mark.nightly]


@pytest.mark.parametrize(
    ("number", "difference"),
    [(40, 0.045), *(pytest.param(200, step, marks=NIGHTLY) for step in (0.0, 0.03, 0.045, 0.06))],
)
def test_positions_are_integrated_as_often_as_they_should(tmp_path: Path, number: int, difference: float) -> None:
    pairs = pairs_of(lab_of(tmp_path, number, difference))
    found, expected = integrated(pairs), probability(difference)
    print(f"differing by {difference}: integrated {found} of {number}, expected {expected:.3f}")
    assert binomtest(found, number, expected).pvalue > FALSE_ALARM
    if difference == 0.045:
        # A prior whose volume is forgotten: each gain is less by ln 3, and more if it is counted twice.
        wrong = integrated(pairs, -2.0 * math.log(RANGE))
        assert binomtest(wrong, number, expected).pvalue < FALSE_ALARM


@pytest.mark.parametrize("number", [40, pytest.param(200, marks=NIGHTLY)])
def test_integrated_positions_cover_and_are_narrower(tmp_path: Path, number: int) -> None:
    pairs = pairs_of(lab_of(tmp_path, number, 0.0))
    products = [product(one, errors=False) for one in pairs]
    found = covered(products)
    ratio = np.mean(
        [p.draw(2000)[:, 0].std() / one[0].draws[:, 0].std() for p, one in zip(products, pairs, strict=True)]
    )
    print(f"covered {found} of {number}; {ratio:.3f} of the width, expected 0.707")
    assert binomtest(found, number, 0.95).pvalue > FALSE_ALARM
    assert ratio == pytest.approx(1 / math.sqrt(2.0), rel=0.05)


@pytest.mark.nightly
def test_multiplied_posteriors_decide_as_sampling_together_does(tmp_path: Path) -> None:
    lab = lab_of(tmp_path, 16, 0.045, EXACT)
    campaign = lab.campaign
    model = campaign.expanded("peaks")[0]
    members = usable(campaign.ids, lab.measurements)
    blocks = [members[k : k + 2] for k in range(0, len(members), 2)]
    names = [GroupName("/".join(m.id for m in one), tuple(m.id for m in one)) for one in blocks]
    shared = frozenset({"peak.position"})
    keys = [member_key(campaign, model, one, shared) for one in blocks]
    job = JointJob(campaign, model, blocks, names, keys, shared)
    joint = sample_jointly(job, tmp_path / "joint.h5", no_news, ALONE)
    scores = []
    for block, single, record in zip(blocks, pairs_of(lab), joint, strict=True):
        alone = apart_of(lab, [m.id for m in block])
        sampled, multiplied = joint_gain(alone, record), product(single)
        error = math.hypot(sampled.standard_error, multiplied.standard_error)
        scores.append((sampled.value - multiplied.gain) / error)
    print(f"sampled less multiplied in units of its error: {np.mean(scores):.2f}, spread {np.std(scores):.2f}")
    assert np.abs(scores).max() < 4.5
    assert abs(np.mean(scores)) < 1.5
