"""Fixed words of ``config/README.md``; the tables between them are made by ``reference``."""

from __future__ import annotations

HEAD = """\
<!-- Made by `python -m bayesbeam.config.generate` from the types in workflow/bayesbeam/config. Do not edit. -->
# Campaigns

A campaign is a folder: `campaign.yaml` says what is asked, `measurements.tsv` lists the measurements, and the data
files lie beside them. `make run CAMPAIGN=<folder>` analyses it; a campaign in `config/campaigns/` may be given by its
name. The shipped ones are meant to be copied: `first_look` (three kinds of spectra, integration) and `nagata2012`
(one spectrum).

All mistakes of a campaign are reported at once, before anything is computed, with file, line and key. Editors that
know JSON schemas complete and check keys while you type: point them to `config/schema.json`.

## A complete small campaign

Two spectra of one sample with an unknown number of peaks on a flat background. `campaign.yaml`:

"""

EXAMPLE_CAMPAIGN = """\
campaign: two_runs
measurements: measurements.tsv
treatments:
  xps:
    axis: {quantity: binding energy, unit: eV, decreasing: true}
    signal: {quantity: intensity, unit: counts, counts: true}
    range: [282, 292]
    uncertainty: {from: counts}
candidates:
  peaks:
    parts:
      - name: line
        component: gaussian
        count: 1..3
        priors:
          position: uniform(low=x_min, high=x_max)
          sd: log_uniform(low=0.1, high=2)
      - {component: constant}
    noise: {family: normal, sigma: estimate}
integration:
  - {group: both, measurements: [run1, run2], candidate: peaks, shared: [line.sd]}
"""

EXAMPLE_SHEET = """\
id\tfile\ttemperature
run1\tdata/run1.csv\t300
run2\tdata/run2.csv\t350
"""

SHEET = """\
## The sheet

Text with one row a measurement, columns separated by tabs, the first line a header; empty lines and lines that start
with `#` are skipped. A data file that is missing or unreadable does not stop the others: that measurement is refused
with its reason.

"""

SHEET_REST = """
All other columns are metadata (temperature, time, sample ...): they are kept with the results and may be plotted
against.

## The campaign file

YAML with plain values: no tags, no key twice, at most 1 MiB. `no`, `off` and dates are words, `1e-3` is a number.
Keys in bold must be given; the others have the default shown. Ids are 1 to 64 of the characters `A-Z a-z 0-9 _ . -`,
do not start with `.` and hold no `..`; candidate names hold no `-`.
"""

PRIORS = """
## Priors

A prior is written `family(argument=expression, ...)`, or with the arguments in order and without their names. An
expression is made of numbers, data words, `+ - * /` and brackets: `uniform(low=x_min, high=x_mid + 2)`. All priors
are proper: a free energy is an integral over the prior and exists only where that has a finite mass. The prior is
part of the question; where none is written the component's default is used, and shown in the results.

Values of parameters that are not to be estimated go under `fixed`.

"""

WORDS = """
Data words are filled in from each measurement after its treatment. A shared parameter of an integration group must
have the same prior in all its measurements, so its prior must be written with numbers.

"""

COMPONENTS = """
## Components

The noise-free curve is the sum of the parts. Peaks may have a `count`: several of one kind are exchangeable, which is
taken into account in the free energy, and are numbered by position in the results. A `doublet` of a peak (`of:
gaussian`) has the peak's own parameters, which are those of its first line, and `splitting` and `ratio`; its second
line lies at position + splitting and is `ratio` times as high. With `widths: own` the second line has widths of its
own, named `<width>_2`. Units are in terms of those of x and y.

"""

NOISE = """
## Noise

`sigma` sets the standard deviation of a point, and everything about the noise is part of the answer:

| written | means |
| --- | --- |
| `{family: normal}` or `sigma: estimate` | the level is unknown and estimated; \
where the measurement has uncertainties they are relative weights |
| `{family: normal, sigma: 0.1}` | known, the same for all points |
| `{family: normal, sigma: column}` | the measurement's own uncertainties, trusted |
| `{family: normal, sigma: column, scale: estimate}` | the same, times a factor that is estimated |
| `{family: normal, sigma: "log_uniform(0.01, 1)"}` | unknown, with a prior in units of y |
| `{family: normal_relative, sigma: column, relative: estimate}` | with a model error \
in proportion to the curve, added in squares |
| `{family: poisson}` | counted events; needs `signal: {counts: true}` |

Uncertainties in files and counting statistics are often too small for what the model leaves out, and then choose
models with great and false confidence; so an estimated level is the default. The parameters of the noise have these
names and default priors:

"""
