"""Components that a campaign may name: ours, and those of the files that it lists under ``components``.

The only place where a campaign leads to a user's Python being run; decides what is said about a file with mistakes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from bayesbeam.config.places import Problems, shown_path
from bayesbeam.config.prior_check import written_prior
from bayesbeam.config.yaml_text import KeyPath
from bayesbeam.errors import ModelError, Problem
from bayesbeam.models import registry
from bayesbeam.models.base import Component
from bayesbeam.models.check_table import Fault
from bayesbeam.models.operators import registry as operators
from bayesbeam.models.own_file import ComponentError, OwnFile, declared_name, read_own_file, with_lines


@dataclass(frozen=True)
class Components:
    """Components by name.

    Attributes
    ----------
    own : mapping of str to OwnFile
        Those of the campaign's own files.
    lost : frozenset of str or None
        Names whose files have mistakes; None where such a name cannot be known.
    folder : Path
        Of the campaign, in which files of responses lie.
    """

    own: Mapping[str, OwnFile] = field(default_factory=dict)
    lost: frozenset[str] | None = frozenset()
    folder: Path = Path()

    @property
    def names(self) -> tuple[str, ...]:
        """All names, ours first."""
        return (*registry.names(), *operators.names(), *self.own)

    @property
    def peaks(self) -> tuple[str, ...]:
        """Names of which a doublet can be made."""
        own = [name for name in self.own if _is_peak(self.get(name))]
        return (*registry.peaks(), *own)

    def get(self, name: str, widths: str | None = None) -> Component:
        """Component of a name, or its doublet with widths ``shared`` or ``own``."""
        if name in operators.names():
            return operators.get(name)
        if name in self.own:
            return registry.own(self.own[name], widths)
        return registry.get(name) if widths is None else registry.get("doublet", of=name, widths=widths)

    def may_be_lost(self, name: str) -> bool:
        """Whether an unknown name may be that of a file with mistakes, which are reported already."""
        return self.lost is None or name in self.lost


def own_components(folder: Path, files: Sequence[str], cut: bool, problems: Problems) -> Components:
    """Components of a campaign's own files; each file is run once, and its mistakes are noted.

    Parameters
    ----------
    folder : Path
        Of the campaign.
    files : sequence of str
        As in the campaign.
    cut : bool
        Whether some of them were left out because of mistakes in the form of the list.
    problems : Problems
        Where mistakes are noted.
    """
    own: dict[str, OwnFile] = {}
    lost: set[str | None] = {None} if cut else set()
    for index, text in enumerate(files):
        path, here = folder / text, ("components", index)
        before = len(problems.found)
        if text in files[:index]:
            problems.add(here, f"{text!r} a second time", "every file once", "Remove it.")
            continue
        name, file = _loaded(path, problems, here)
        if name in own:
            found = f"{shown_path(path)}: name: the name {name!r}, which {shown_path(own[name].path)} has already"
            problems.add(here, found, "a name not in use", "Choose another name in one of them.")
        if len(problems.found) > before or name is None or file is None:
            guess = name or declared_name(path)
            lost.add(None if guess in (*registry.names(), *operators.names()) else guess)
        else:
            own[name] = file
    names = None if None in lost else frozenset(name for name in lost if name is not None)
    return Components(own, names, folder)


def _loaded(path: Path, problems: Problems, here: KeyPath) -> tuple[str | None, OwnFile | None]:
    """Name and file of a component without mistakes."""
    try:
        file = read_own_file(path)
        component = registry.own(file)
        _check_priors(component, file)
    except ComponentError as error:
        for problem in error.problems(shown_path(path)):
            problems.found.append(replace(problem, where=f"{problems.at(here)}: {problem.where}"))
        return None, None
    except ModelError as error:
        problems.add(here, str(error), "a component file", "Mend it.")
        return None, None
    return component.name, file


def _check_priors(component: Component, file: OwnFile) -> None:
    """Refuse default priors that are none, or reach where their parameter means nothing."""
    faults = []
    for parameter in component.parameters:
        wrong = written_prior(parameter.prior, parameter.support)
        if isinstance(wrong, Problem):
            faults.append(Fault(f"parameter {parameter.name}", wrong.found, wrong.expected, wrong.remedy))
    if faults:
        raise ComponentError(file.path, with_lines(faults, file.path.read_bytes()))


def _is_peak(component: Component) -> bool:
    """Whether a doublet can be made of it."""
    return component.amplitude is not None and component.order_by is not None
