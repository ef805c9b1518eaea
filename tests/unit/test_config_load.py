"""What a loaded campaign offers: rows with their treatments, models with all priors, groups, keys."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bayesbeam.config import load_campaign, reference_text
from bayesbeam.config.keys import candidate_key, group_key, measurement_key, sampling_key
from bayesbeam.config.load import LoadedCampaign
from bayesbeam.config.schema import CountRange
from bayesbeam.errors import ConfigErrors

CAMPAIGN = """\
campaign: test
treatments:
  default:
    axis: {unit: eV}
    range: [292, 282]
  counted:
    read: {uncertainty: 2}
    signal: {counts: true}
candidates:
  peaks:
    title: lines
    measurements: [run*]
    parts:
      - {component: gaussian, count: 2..4, priors: {amplitude: gamma(shape=5, rate=5), sd: "normal(1, 0.1 )"}}
      - {component: constant, fixed: {level: 1e-1}}
      - {component: constant}
    noise: {family: normal, sigma: 0.1}
  two:
    parts: [{name: pair, component: doublet, of: lorentzian, widths: own, count: 2}]
integration:
  - {group: all, measurements: [run2, run1], candidate: two, shared: [pair.ratio]}
""".replace("normal(1, 0.1 )", "truncated_normal(1, 0.1, low=0)")
SHEET = """\
id\tfile\ttreatment\ty\tuncertainty\ttemperature\tnote
# a comment

run1\ta.csv\t\t3\t4\t300\tcold
run2\tb.csv\tcounted\tsignal\t\t1e2\t17
other\t../c.csv\tcounted
"""


def write(folder: Path, campaign: str = CAMPAIGN, sheet: str = SHEET) -> Path:
    (folder / "campaign.yaml").write_text(campaign, encoding="utf-8")
    (folder / "measurements.tsv").write_text(sheet, encoding="utf-8")
    return folder


@pytest.fixture
def campaign(tmp_path: Path) -> LoadedCampaign:
    return load_campaign(write(tmp_path))


def test_rows(campaign: LoadedCampaign, tmp_path: Path) -> None:
    assert campaign.ids == ("run1", "run2", "other")
    first, second, third = campaign.sheet
    assert first.file == (tmp_path / "a.csv").resolve()
    assert third.file == (tmp_path.parent / "c.csv").resolve()
    assert (first.treatment.read.y, second.treatment.read.y, third.treatment.read.y) == (3, "signal", 1)
    assert first.treatment.range == (282.0, 292.0)
    assert (first.treatment.read.uncertainty, first.treatment.uncertainty.source) == (4, "column")
    assert (second.treatment.read.uncertainty, second.treatment.uncertainty.source) == (2, "column")
    assert second.treatment.signal.counts
    assert first.metadata == {"temperature": 300.0, "note": "cold"}
    assert second.metadata == {"temperature": 100.0, "note": "17"}
    assert third.metadata == {}


def test_models(campaign: LoadedCampaign) -> None:
    assert campaign.campaign.candidates["peaks"].parts[0].count == CountRange(2, 4)
    assert [model.tag for model in campaign.expanded("peaks")] == ["peaks-k2", "peaks-k3", "peaks-k4"]
    assert [model.tag for model in campaign.expanded("two")] == ["two"]
    assert campaign.by_tag("peaks-k3").title == "lines, K = 3"
    assert campaign.by_tag("two").count is None
    assert campaign.applies("peaks") == ("run1", "run2")
    assert [model.tag for model in campaign.candidates_of("other")] == ["two"]
    assert len(campaign.candidates_of("run1")) == 4


def test_priors_and_counts(campaign: LoadedCampaign) -> None:
    spec = campaign.by_tag("peaks-k3").spec
    assert [part.count for part in spec.parts] == [3, 1, 1]
    assert [part.name for part in spec.parts] == ["gaussian", "constant", "constant_2"]
    amplitude, position, sd = spec.part("gaussian").parameters
    assert (str(amplitude.prior), amplitude.source) == ("gamma(shape=5, rate=5)", "campaign")
    assert (str(position.prior), position.source) == ("uniform(low=x_min, high=x_max)", "default")
    assert str(sd.prior) == "truncated_normal(mean=1, sd=0.1, low=0)"
    assert str(spec.part("constant").parameter("level").prior) == "fixed(value=0.1)"
    pair = campaign.by_tag("two").spec.part("pair")
    assert pair.build().name == "doublet(lorentzian, own)"
    assert [parameter.name for parameter in pair.parameters] == list(pair.build().parameter_names)
    assert spec.needs == {"x_min", "x_max", "y_mid", "y_span"}


@pytest.mark.parametrize(
    ("noise", "model", "base", "value", "priors"),
    [
        ("{}", "normal_scaled", "estimate", None, ["log_uniform(low=0.1, high=10)"]),
        ("{sigma: estimate}", "normal_scaled", "estimate", None, ["log_uniform(low=0.1, high=10)"]),
        ("{sigma: 0.2}", "normal", "value", 0.2, []),
        ("{sigma: 2e-1, scale: estimate}", "normal_scaled", "value", 0.2, ["log_uniform(low=0.1, high=10)"]),
        ("{sigma: log_uniform(noise, y_max)}", "normal_scaled", "value", 1.0, ["log_uniform(low=noise, high=y_max)"]),
        ("{sigma: column}", "normal", "column", None, []),
        ("{sigma: column, scale: 2}", "normal_scaled", "column", None, ["fixed(value=2)"]),
        ("{sigma: column, scale: gamma(2, 2)}", "normal_scaled", "column", None, ["gamma(shape=2, rate=2)"]),
        ("{family: poisson}", "poisson", "none", None, []),
        ("{family: poisson, dark: 2}", "poisson", "none", None, []),
        ("{family: poisson, exposure: 60}", "poisson_exposure", "exposure", 60.0, []),
        (
            "{family: normal_relative, sigma: column}",
            "normal_relative",
            "column",
            None,
            ["fixed(value=1)", "log_uniform(low=0.0001, high=0.3)"],
        ),
        (
            "{family: normal_relative, sigma: 3, relative: 0.01}",
            "normal_relative",
            "value",
            3.0,
            ["fixed(value=1)", "fixed(value=0.01)"],
        ),
        (
            "{family: normal_counts, sigma: 3}",
            "normal_counts",
            "value",
            3.0,
            ["fixed(value=1)", "log_uniform(low=0.001 * noise * noise / y_span, high=100 * noise * noise / y_span)"],
        ),
        (
            "{family: normal_counts, sigma: column, scale: estimate, gain: 1}",
            "normal_counts",
            "column",
            None,
            ["log_uniform(low=0.1, high=10)", "fixed(value=1)"],
        ),
        (
            "{family: student_t}",
            "student_t",
            "estimate",
            None,
            ["log_uniform(low=0.1, high=10)", "gamma(shape=2, rate=0.1)"],
        ),
        ("{family: student_t, sigma: 0.1, dof: 4}", "student_t", "value", 0.1, ["fixed(value=1)", "fixed(value=4)"]),
    ],
)
def test_noise(tmp_path: Path, noise: str, model: str, base: str, value: float | None, priors: list[str]) -> None:
    text = "campaign: n\ntreatments: {t: {read: {uncertainty: 2}, signal: {counts: true}}}\n"
    text += f"candidates: {{c: {{parts: [{{component: constant}}], noise: {noise}}}}}\n"
    found = load_campaign(write(tmp_path, text, "id\tfile\na\ta.csv\n")).by_tag("c").spec.noise
    assert (found.model, found.base, found.value) == (model, base, value)
    assert [str(parameter.prior) for parameter in found.parameters] == priors


def test_groups(campaign: LoadedCampaign) -> None:
    assert campaign.group_members("all") == ("run2", "run1")
    assert [str(one) for one in campaign.group("all").shared] == ["pair.ratio"]


def test_folder_and_file_are_the_same(tmp_path: Path) -> None:
    assert load_campaign(write(tmp_path)) == load_campaign(tmp_path / "campaign.yaml")


def test_a_sheet_without_treatments_is_read_with_defaults(tmp_path: Path) -> None:
    text = "campaign: n\ncandidates: {c: {parts: [{component: constant}]}}\n"
    row = load_campaign(write(tmp_path, text, "\ufeffid\tfile\r\n001\ta.csv\r\n")).row("001")
    assert (row.treatment_name, row.treatment.read.x) == ("default", 0)


def test_minimal_example_of_the_readme_loads(tmp_path: Path) -> None:
    found = load_campaign(write(tmp_path, reference_text.EXAMPLE_CAMPAIGN, reference_text.EXAMPLE_SHEET))
    assert [model.tag for model in found.candidates_of("run1")] == ["peaks-k1", "peaks-k2", "peaks-k3"]
    assert found.row("run2").metadata == {"temperature": 350.0}


def test_keys_change_with_what_matters_and_with_nothing_else(campaign: LoadedCampaign, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = CAMPAIGN.replace("title: lines", "title: words").replace("gamma(shape=5, rate=5)", "gamma(5, 5.0)")
    same = load_campaign(write(tmp_path / "other", other + "sampling: {batch: 3, device: cpu}\n"))
    one, two = campaign.by_tag("peaks-k3"), same.by_tag("peaks-k3")
    assert candidate_key(one.spec, one.count) == candidate_key(two.spec, two.count)
    assert sampling_key(campaign.campaign.sampling) == sampling_key(same.campaign.sampling)
    assert group_key(campaign.group("all")) == group_key(same.group("all"))
    assert [measurement_key(row) for row in campaign.sheet] == [measurement_key(row) for row in same.sheet]

    assert len({candidate_key(m.spec, m.count) for m in campaign.all_expanded()}) == 4
    changed = replace(two.spec, noise=replace(two.spec.noise, value=0.2))
    assert candidate_key(changed, 3) != candidate_key(two.spec, 3)
    row = campaign.sheet[0]
    for change in ({"metadata": {"temperature": 301.0, "note": "cold"}}, {"file_in_sheet": "b.csv"}, {"id": "x"}):
        assert measurement_key(replace(row, **change)) != measurement_key(row)
    assert measurement_key(replace(row, treatment=campaign.sheet[1].treatment)) != measurement_key(row)
    seeded = campaign.campaign.sampling.model_copy(update={"seed": 1})
    assert sampling_key(seeded) != sampling_key(campaign.campaign.sampling)
    # The first pattern that a measurement matches says its candidate.
    orders = ({"run1": "a", "run*": "b"}, {"run*": "b", "run1": "a"})
    mixed = [campaign.group("all").model_copy(update={"candidate": order}) for order in orders]
    assert group_key(mixed[0]) != group_key(mixed[1])


def test_keys_are_the_same_on_every_machine(root: Path) -> None:
    # Fixed once; a change here makes all earlier results out of date and belongs in the changelog.
    model = load_campaign(root / "config" / "campaigns" / "nagata2012").by_tag("peaks-k3")
    assert candidate_key(model.spec, model.count)[:16] == "6528ac228e569219"


def test_no_campaign_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigErrors, match=r"campaign\.yaml: no such file; expected a campaign\."):
        load_campaign(tmp_path)
