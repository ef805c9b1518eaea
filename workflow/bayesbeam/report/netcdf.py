"""Draws of one candidate as netCDF that ArviZ and xarray read: posterior, prior, sample_stats, observed_data.

Decides names and dimensions: (chain, draw), and one dimension a part for its peaks.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import xarray as xr

from bayesbeam import __version__
from bayesbeam.report.curves import Array, Draws, Fit, Run
from bayesbeam.report.records import Candidate


def write_draws(path: Path, candidate: Candidate, draws: Draws, fit: Fit, run: Run) -> None:
    """Write the draws of a candidate; ``arviz.from_netcdf`` opens the file.

    Parameters
    ----------
    path : Path
        File to be made.
    candidate : Candidate
        Whose draws these are; its names go into the attributes.
    draws, fit, run
        Arrays of the candidate.
    """
    groups = {
        "posterior": _parameters(draws, draws.posterior),
        "prior": _parameters(draws, draws.prior[None]),
        "sample_stats": _statistics(run, draws.posterior.shape[1]),
        "observed_data": xr.Dataset({"y": ("x", fit.y)}, {"x": fit.x}),
        "constant_data": xr.Dataset({"noise_sd": ("x", fit.sd)}, {"x": fit.x}),
    }
    attributes = {
        "inference_library": "bayesbeam",
        "inference_library_version": candidate.versions.get("bayesbeam", __version__),
        "measurement": candidate.measurement,
        "candidate": candidate.tag,
        "verdict": candidate.verdict,
        "key": candidate.key,
        "priors": json.dumps([dict(one) for one in candidate.priors], sort_keys=True),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    for place, (name, group) in enumerate(groups.items()):
        group.attrs = attributes if name == "posterior" else {"inference_library": "bayesbeam"}
        squeezed = {str(key): {"zlib": True, "complevel": 4} for key in group.data_vars}
        mode = "w" if place == 0 else "a"
        group.to_netcdf(path, mode=mode, group=name, engine="h5netcdf", encoding=squeezed)  # type: ignore[call-overload]


def _parameters(draws: Draws, values: Array) -> xr.Dataset:
    """Draws (chain, draw, Q) as variables with their units; numbered columns of a name become one variable."""
    variables: dict[str, xr.DataArray] = {}
    names = dict.fromkeys(one.name for one in draws.columns)
    for name in names:
        places = [place for place, one in enumerate(draws.columns) if one.name == name]
        columns = [draws.columns[place] for place in places]
        attributes = {"units": columns[0].unit, "kind": columns[0].kind}
        if columns[0].index is None:
            variables[name] = xr.DataArray(values[..., places[0]], dims=("chain", "draw"), attrs=attributes)
            continue
        dimension = f"{name.rpartition('.')[0] or name}_number"
        variables[name] = xr.DataArray(
            values[..., places],
            dims=("chain", "draw", dimension),
            coords={dimension: [int(one.index or 0) for one in columns]},
            attrs=attributes,
        )
    chains, length = values.shape[:2]
    return xr.Dataset(variables, {"chain": np.arange(chains), "draw": np.arange(length)})


def _statistics(run: Run, kept: int) -> xr.Dataset:
    """Log-likelihood at beta = 1 (chain, draw): of the kept draws where their stride is known, else of all."""
    values = run.trace[:, :: max(1, -(-run.trace.shape[1] // max(kept, 1)))]
    values = values if values.shape[1] == kept else run.trace
    chains, length = values.shape
    trace = xr.DataArray(values, dims=("chain", "draw"), attrs={"units": "nats"})
    return xr.Dataset({"log_likelihood": trace}, {"chain": np.arange(chains), "draw": np.arange(length)})
