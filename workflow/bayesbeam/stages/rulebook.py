"""What the rules need to know about a campaign: paths, members and keys. Used by ``workflow/rules/common.smk``.

Decides what a job depends on. A key holds all that can change the job's result and nothing else, so a new report
title samples nothing; Snakemake runs a job again when its key changes.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from bayesbeam.config.keys import candidate_key, group_key, measurement_key, sampling_key, words_key
from bayesbeam.config.load import LoadedCampaign, load_campaign
from bayesbeam.config.patterns import divided, joint_patterns, needs_blocks, patterns_of, samples_jointly, shared_of
from bayesbeam.config.schema import Integration
from bayesbeam.config.specs import Expanded
from bayesbeam.errors import ConfigError
from bayesbeam.io.provenance import readable
from bayesbeam.stages import versions
from bayesbeam.stages.plan import assign_batches, batches_text, digest, read_batches, tags_of, work_of

DEFAULT_CAMPAIGN = Path("config", "campaigns", "first_look", "campaign.yaml")
CHUNKED_FROM = 65
_OWN_SETTINGS = ("campaign_file", "results")


class Rulebook:
    """Paths, members and keys of one campaign's jobs; paths are relative to the working directory if they lie in it.

    Attributes
    ----------
    workdir : Path
        Directory that Snakemake works in, the current one if not given.
    campaign : LoadedCampaign
        The campaign, valid.
    file : Path
        Its campaign.yaml.
    folder : Path
        Where its results go, ``results/<campaign>``.
    batches : dict
        Measurements of every batch.
    """

    def __init__(self, file: Path, results: Path, workdir: Path | None = None) -> None:
        self.workdir = Path.cwd() if workdir is None else workdir
        self.campaign: LoadedCampaign = load_campaign(file, results)
        self.file = self._short(file)
        self.folder = self._short(results) / self.campaign.campaign.campaign
        self._remembered = read_batches(self.workdir / self.folder / "batches.tsv")
        self.batches = assign_batches(self.campaign, self._remembered)
        self._rows = {row.id: row for row in self.campaign.sheet}
        self._measured = {row.id: measurement_key(row) for row in self.campaign.sheet}
        self._points, self._engines = dict[tuple[str, ...], int](), dict[str, str]()

    # ------------------------------------------------------------ members

    @cached_property
    def tags(self) -> dict[str, dict[str, tuple[str, ...]]]:
        """Measurements that each expanded candidate of a batch applies to: batch, tag, ids."""
        return {batch: tags_of(self.campaign, ids) for batch, ids in self.batches.items()}

    @cached_property
    def groups(self) -> dict[str, Integration]:
        """Groups of measurements that are integrated, by name."""
        return {one.group: self.campaign.group(one.group) for one in self.campaign.campaign.integration}

    def group_tags(self, group: str) -> list[str]:
        """Return the tags under which a group is sampled jointly."""
        return [expanded.tag for expanded in self.campaign.expanded(self.groups[group].candidate)]

    def joint_tags(self, group: str) -> list[str]:
        """Return the tags under which a group is sampled jointly; none where posteriors are multiplied instead."""
        return self.group_tags(group) if samples_jointly(self.groups[group]) else []

    def joint_names(self, group: str) -> list[str]:
        """Return the names of a group's files of joint draws: a tag each, and one for each pattern behind a tilde."""
        tags = self.joint_tags(group)
        return [*tags, *(f"{tag}~{pattern}" for pattern in joint_patterns(self.groups[group]) for tag in tags)]

    def block_names(self, group: str) -> list[str]:
        """Return the name of a group's file of blocks, where blocks are compared."""
        return ["found"] if needs_blocks(self.groups[group]) else []

    def alone(self, group: str) -> list[str]:
        """Return the draws of a group's measurements each by itself."""
        batches = self.batches_of(self.groups[group].measurements)
        wanted = set(self.group_tags(group))
        return [path for batch in batches for path in self.sampled(f"samples/{batch}", wanted & set(self.tags[batch]))]

    def work(self, tag: str, ids: Sequence[str], together: bool = False) -> int:
        """Return about how much work it is to sample: long jobs are started first, so that none is left at the end."""
        return len(ids) * work_of(self.campaign.by_tag(tag).spec, together)

    def sample_mb(self, tag: str, ids: Sequence[str], attempt: int = 1) -> int:
        """Return the memory to ask for when sampling measurements each by itself, MB."""
        return self._planned_mb(tag, ids, (len(ids), 1), attempt)

    def group_mb(self, group: str, tag: str, attempt: int = 1) -> int:
        """Return the memory to ask for when sampling a group jointly, MB."""
        return self._planned_mb(tag, ids := self.groups[group].measurements, (1, len(ids)), attempt)

    def blocks_mb(self, group: str, attempt: int = 1) -> int:
        """Return the memory to ask for when comparing blocks of a group, MB."""
        return max(2000, *(self.group_mb(group, tag, attempt) for tag in self.group_tags(group)))

    def _planned_mb(self, tag: str, ids: Sequence[str], shape: tuple[int, int], attempt: int) -> int:
        """Memory of a sampling job; files are looked at once a batch, formulas once a tag."""
        # They bring torch in, which reading this file shall not.
        from bayesbeam.stages import memory
        from bayesbeam.stages.resources import settings_of

        asked, key, spec = self.campaign.campaign.sampling, tuple(ids), self.campaign.by_tag(tag).spec
        if spec.phases is not None:
            return memory.phases_mb(spec.phases, attempt)
        if key not in self._points:
            rows = [self._rows[identifier] for identifier in ids]
            self._points[key] = memory.points_of(rows, self.workdir / self.folder / "measurements")
        if tag not in self._engines:
            self._engines[tag] = memory.planned_engine(spec, asked.engine)
        sizes, engine = memory.sizes_of(spec, (*shape, self._points[key]), asked.precision), self._engines[tag]
        settings = settings_of(self.campaign, shape[1])
        return memory.job_mb(sizes, settings, engine, self._device, attempt, asked.draws, asked.store)

    @cached_property
    def _device(self) -> str:
        """Device of sampling jobs, as far as this machine can tell; a campaign may name one that only another has."""
        from bayesbeam.stages.resources import planned_device

        sampling = self.campaign.campaign.sampling
        return planned_device(sampling.device, sampling.engine)

    def batches_of(self, ids: Iterable[str]) -> list[str]:
        """Return the batches that hold these measurements."""
        wanted = set(ids)
        return [batch for batch, members in self.batches.items() if wanted & set(members)]

    # ------------------------------------------------------------ paths

    @cached_property
    def chunked(self) -> bool:
        """Whether a job of preprocess treats a whole batch, as where the sheet is long, grows or is simulated."""
        asked = self.campaign.campaign
        return len(self.campaign.sheet) >= CHUNKED_FROM or bool(asked.simulations or asked.incoming)

    def path(self, *parts: str) -> str:
        """Return a path in the results folder of the campaign."""
        return str(self.folder.joinpath(*parts))

    def data_files(self, ids: Iterable[str]) -> list[str]:
        """Return the files that these measurements need and that are there; jobs refuse what is missing."""
        rows = [self._rows[identifier] for identifier in ids]
        tables = dict.fromkeys(file for row in rows for file in row.beside)
        return [str(self._short(file)) for file in (*(row.file for row in rows), *tables) if readable(file)]

    def treated(self, ids: Iterable[str]) -> list[str]:
        """Return the files a job must wait for so that these measurements are preprocessed."""
        if self.chunked:
            return [self.path("measurements", f"{batch}.tsv") for batch in self.batches_of(ids)]
        return [self.path("measurements", f"{identifier}.h5") for identifier in ids]

    def sampled(self, folder: str, tags: Iterable[str]) -> list[str]:
        """Return the draws of these tags in a folder of the results, and the marks that they are finished."""
        return [self.path(folder, f"{tag}.{suffix}") for tag in tags for suffix in ("h5", "done")]

    def results_of(self, stage: str, names: Iterable[str]) -> list[str]:
        """Return the summaries and arrays that a stage makes for its batches or groups."""
        return [self.path(stage, f"{name}.{suffix}") for name in names for suffix in ("json", "h5")]

    # ------------------------------------------------------------ keys

    @cached_property
    def plan_key(self) -> str:
        """Key of the table of batches."""
        return digest(batches_text(self.campaign, self._remembered))

    def preprocess_key(self, ids: Iterable[str]) -> str:
        """Key of the job that preprocesses these measurements."""
        rows = [self._rows[one] for one in ids]
        tables = [readable(file) for row in rows for file in row.beside]
        return digest([versions.PREPROCESS, *([self._measured[row.id], readable(row.file)] for row in rows), *tables])

    @cached_property
    def sample_keys(self) -> dict[tuple[str, str], str]:
        """Key of every sampling job: batch and tag."""
        return {
            (batch, tag): self._sampling_key(ids, tag) for batch, tags in self.tags.items() for tag, ids in tags.items()
        }

    def group_sample_key(self, group: str, tag: str, pattern: str = "") -> str:
        """Key of a joint sampling job, of all that is shared or of a pattern."""
        asked = self.groups[group]
        part = asked.model_copy(update={"shared": shared_of(asked, pattern)})
        return digest([group_key(part), self._sampling_key(asked.measurements, tag)])

    def blocks_key(self, group: str) -> str:
        """Key of the comparison of blocks."""
        asked = self.groups[group]
        keys = [self.group_sample_key(group, tag) for tag in self.group_tags(group)]
        patterns = {name: [str(entry) for entry in one] for name, one in patterns_of(asked).items()}
        return digest([versions.BLOCKS, keys, divided(asked), asked.method, patterns])

    def free_energy_key(self, batch: str) -> str:
        """Key of the summary of a batch: all its sampling jobs, and the words shown with them."""
        shown = {
            expanded.tag: [expanded.title, *words_key(expanded.spec)]
            for row in self.batches[batch]
            for expanded in self._expanded(row)
        }
        keys = [self.sample_keys[batch, tag] for tag in self.tags[batch]]
        report = self.campaign.campaign.report
        # Without advice the key is what it was before there was any.
        advice = [] if report.next_points is None else [report.next_points.model_dump(mode="json")]
        return digest([versions.FREE_ENERGY, keys, shown, report.modes, *advice])

    def integrate_key(self, group: str) -> str:
        """Key of the decision on a group."""
        patterns = ["", *joint_patterns(self.groups[group])]
        keys = [self.group_sample_key(group, tag, one) for tag in self.group_tags(group) for one in patterns]
        keys += [self.blocks_key(group)] if needs_blocks(self.groups[group]) else []
        words = [words_key(self.campaign.by_tag(tag).spec) for tag in self.group_tags(group)]
        return digest([versions.INTEGRATE, versions.FREE_ENERGY, keys, words, self.campaign.campaign.report.modes])

    @cached_property
    def report_key(self) -> str:
        """Key of the report: everything asked, for all of it is shown; where the files lie does not matter."""
        # Without studies the key is what it was before there were any.
        unused = {name for name in ("simulate", "thin") if not getattr(self.campaign.campaign, name)} | {"incoming"}
        asked = self.campaign.campaign.model_dump(mode="json", exclude=unused)
        sheet = [[row.id, self._measured[row.id]] for row in self.campaign.sheet]
        return digest([versions.REPORT, asked, sheet])

    def _sampling_key(self, ids: Sequence[str], tag: str) -> str:
        """Key of sampling one expanded candidate for some measurements."""
        expanded = next((expanded for expanded in self._expanded(ids[0]) if expanded.tag == tag), None)
        model = candidate_key(expanded.spec, expanded.count) if expanded is not None else self._mixed_key(ids, tag)
        settings = sampling_key(self.campaign.campaign.sampling)
        phases = [versions.PHASES] if expanded is not None and expanded.spec.phases is not None else []
        rows = [self._measured[identifier] for identifier in ids]
        return digest([versions.PREPROCESS, versions.SAMPLE, model, settings, rows, *phases])

    def _mixed_key(self, ids: Sequence[str], tag: str) -> str:
        """Key of a model of several candidates for the measurements of a group."""
        groups = (one for one in self.groups if self.groups[one].measurements == tuple(ids))
        found = (model for group in groups for model in self.campaign.group_models(group) if model.tag == tag)
        return digest([[candidate_key(one.spec, one.count), members] for one, members in next(found).parts])

    def _short(self, path: Path) -> Path:
        """Return a path relative to the working directory if it lies there: a moved folder then runs nothing again."""
        absolute = Path(os.path.abspath(path))
        return absolute.relative_to(self.workdir) if absolute.is_relative_to(self.workdir) else absolute

    def _expanded(self, identifier: str) -> Sequence[Expanded]:
        """Expanded candidates of one measurement."""
        return self.campaign.candidates_of(identifier)


def find_campaign(config: Mapping[str, Any], configfiles: Sequence[str], root: Path) -> Path:
    """Return the campaign file that a run of Snakemake is about.

    Parameters
    ----------
    config : mapping
        Snakemake's ``config``; ``campaign_file`` names the file, e.g. where this workflow is a module of another.
    configfiles : sequence of str
        Files given with ``--configfile``; the last one is the campaign.
    root : Path
        Folder of the Snakefile, which has the default campaign.

    Raises
    ------
    ConfigError
        If ``config`` has keys that were not read from the campaign file: they would be ignored.
    """
    named = config.get("campaign_file")
    if named is not None:
        return Path(str(named))
    if "campaign" in config and configfiles:
        return Path(configfiles[-1])
    strange = sorted(str(key) for key in config if key not in _OWN_SETTINGS)
    if strange:
        where = f"config: {', '.join(strange)}"
        expected = "a campaign, given by --configfile <folder>/campaign.yaml or --config campaign_file=<path>"
        raise ConfigError.at(where, "settings without a campaign", expected, "Settings of a campaign go into its file.")
    return root / DEFAULT_CAMPAIGN


def command_of(file: Path) -> str:
    """Return the command that makes the results of a campaign anew, as a reader of the report would type it."""
    folder = file.parent if file.suffix in (".yaml", ".yml") else file
    shipped = folder.absolute().parent.parts[-2:] == DEFAULT_CAMPAIGN.parts[:2]
    if shipped and folder.name == DEFAULT_CAMPAIGN.parts[2]:
        return "make run"
    return f"make run CAMPAIGN={shlex.quote(folder.name if shipped else str(folder))}"
