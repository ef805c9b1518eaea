"""Tiny campaigns of simulated spectra, taken through the stages by plain calls, for tests of the stages."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from bayesbeam.config.load import LoadedCampaign, load_campaign
from bayesbeam.config.patterns import joint_patterns, needs_blocks, samples_jointly
from bayesbeam.io.results import read_result
from bayesbeam.io.samples import Record
from bayesbeam.stages.blocks import FOUND, sample_blocks
from bayesbeam.stages.free_energy import summarise_batch
from bayesbeam.stages.integrate import integrate_group
from bayesbeam.stages.plan import tags_of
from bayesbeam.stages.preprocess import preprocess_rows
from bayesbeam.stages.sample import sample_batch, sample_group

Array = NDArray[np.float64]

QUICK = "{target_standard_error: 5, seed: 7, max_sweeps: 300, chains: 4, replicas: 8, draws: 100, device: cpu}"
# For tests of bytes and files, to which the numbers do not matter.
HASTY = QUICK.replace("300", "100").replace("chains: 4", "chains: 2")
# Facts of a record that are costs of the run, and differ from one to the next.
COSTS = {"wall_seconds", "cpu_seconds", "peak_memory_mb", "predicted_memory_mb"}
PEAKS = """\
  peaks:
    parts:
      - {component: gaussian, name: peak, count: 1..2,
         priors: {amplitude: "uniform(0, 3)", position: "uniform(0, 3)", sd: "log_uniform(0.05, 1)"}}
    noise: {family: normal, sigma: 0.1}
"""
FLAT = """\
  flat:
    solve: sample
    parts: [{component: constant, priors: {level: "uniform(-3, 3)"}}]
    noise: {family: normal, sigma: 0.1}
"""


def no_news(
    done: float,
    total: float,
    free_energy: float | None = None,
    standard_error: float | None = None,
    text: str = "",
) -> None:
    """Watch a job without a word."""


def peak(seed: int, position: float = 1.5, points: int = 60, noise: float = 0.1) -> str:
    """Return the text of a data file: one Gaussian peak of height 1 and sd 0.2, and noise."""
    x = np.linspace(0.0, 3.0, points)
    y = np.exp(-0.5 * ((x - position) / 0.2) ** 2) + noise * np.random.default_rng(seed).standard_normal(points)
    return rows(x, y)


def rows(*columns: Array) -> str:
    """Return columns as the text of a data file."""
    return "".join(" ".join(f"{value:.9g}" for value in row) + "\n" for row in zip(*columns, strict=True))


@dataclass(frozen=True)
class Lab:
    """A campaign in a folder and its results in another."""

    campaign: LoadedCampaign
    results: Path

    @property
    def measurements(self) -> Path:
        """Folder of the preprocessed measurements."""
        return self.results / "measurements"

    def draws(self, tag: str, batch: str = "b") -> Path:
        """File of draws of one tag."""
        return self.results / "samples" / batch / f"{tag}.h5"

    def preprocess(self) -> None:
        """Preprocess all measurements."""
        preprocess_rows(self.campaign, self.campaign.ids, self.measurements)

    def sample(self, tag: str, ids: Iterable[str] | None = None, batch: str = "b") -> Path:
        """Sample one tag for all measurements it applies to, or for those named."""
        out = self.draws(tag, batch)
        asked = list(ids) if ids is not None else list(tags_of(self.campaign, self.campaign.ids)[tag])
        sample_batch(self.campaign, asked, tag, self.measurements, out, no_news)
        return out

    def summarise(self, batch: str = "b", ids: Iterable[str] | None = None) -> Path:
        """Summarise a batch of all measurements, or of those named."""
        out = self.results / "free_energy" / f"{batch}.json"
        asked = list(ids) if ids is not None else list(self.campaign.ids)
        samples = self.results / "samples" / batch
        summarise_batch(self.campaign, batch, asked, self.measurements, samples, out, out.with_suffix(".h5"))
        return out

    def separate(self) -> Path:
        """Do everything up to the free energies."""
        self.preprocess()
        for tag in tags_of(self.campaign, self.campaign.ids):
            self.sample(tag)
        return self.summarise()

    def join(self, group: str) -> None:
        """Sample a group at every tag of its candidate, in every way that it asks for."""
        asked = self.campaign.group(group)
        for model in self.campaign.group_models(group) if samples_jointly(asked) else ():
            for pattern in ("", *joint_patterns(asked)):
                out = self.results / "integration" / group / f"{model.tag}{pattern and '~'}{pattern}.h5"
                sample_group(self.campaign, group, model.tag, self.measurements, out, no_news, pattern=pattern)
        if needs_blocks(asked):
            sample_blocks(self.campaign, group, self.results, self.results / "integration" / group / FOUND, no_news)

    def integrate(self, group: str) -> Path:
        """Compare a group's joint analysis with the separate ones."""
        out = self.results / "integration" / f"{group}.json"
        integrate_group(self.campaign, group, self.results, out, out.with_suffix(".h5"))
        return out


def make_lab(
    folder: Path,
    data: Mapping[str, str],
    candidates: str = PEAKS,
    integration: str = "",
    treatment: str = "{}",
    sampling: str = QUICK,
) -> Lab:
    """Write a campaign of data files by their texts, and load it.

    Parameters
    ----------
    folder : Path
        May hold an older campaign and its results, which then stay.
    data : mapping of str to str
        Text of the data file of every measurement.
    candidates, integration : str
        Entries of these sections, indented by two.
    treatment, sampling : str
        Those sections in one line.
    """
    home = folder / "campaign"
    home.mkdir(parents=True, exist_ok=True)
    for name, text in data.items():
        (home / f"{name}.txt").write_text(text)
    sheet = "id\tfile\n" + "".join(f"{name}\t{name}.txt\n" for name in data)
    (home / "measurements.tsv").write_text(sheet)
    words = f"campaign: test\ntreatments: {{plain: {treatment}}}\nsampling: {sampling}\ncandidates:\n{candidates}"
    words += f"integration:\n{integration}" if integration else ""
    (home / "campaign.yaml").write_text(words)
    return Lab(load_campaign(home), folder / "results")


def content(record: Record) -> tuple[dict[str, bytes], dict[str, Any]]:
    """Bytes of the arrays, and the facts that are no cost."""
    facts = {key: value for key, value in record.facts.items() if key not in COSTS}
    return {key: values.tobytes() for key, values in record.arrays.items()}, facts


def lab_of(folder: Path, seeds: Mapping[str, int], candidates: str = FLAT, **others: Any) -> Lab:
    """Lab with measurements of one peak, preprocessed."""
    others = {"sampling": HASTY} | others
    lab = make_lab(folder, {name: peak(seed) for name, seed in seeds.items()}, candidates, **others)
    lab.preprocess()
    return lab


def strict(path: Path) -> dict[str, Any]:
    """Content of a JSON file that holds no NaN or Infinity, which JSON does not know."""

    def refuse(word: str) -> NoReturn:
        raise AssertionError(f"{word} in {path.name}")

    json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)
    content: dict[str, Any] = read_result(path)
    return content


def record(content: dict[str, Any], tag: str, measurement: str = "a") -> dict[str, Any]:
    """Record of a model of a measurement in a summary."""
    (found,) = [one for one in content["records"] if (one["measurement"], one["tag"]) == (measurement, tag)]
    return dict(found)
