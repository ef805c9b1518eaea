"""Words of ``config/README.md`` on quantities along a series."""

SERIES = """
### Which law along a series

`laws` of an entry of `report.series` compares laws of kinetics for its quantity, each with a free energy. It needs six
different values of the column.

"""

EXAMPLE_SERIES = """\
report:
  series:
    - {quantity: "band[1].position", against: temperature}
    - {quantity: CuO-Tenorite.weight_fraction, against: minutes, laws: true, start: 12}   # gas on after 12 minutes
"""

SERIES_END = """
| law | value at a time t after the start | what is free, with its prior |
| --- | --- | --- |
| `constant` | level | |
| `linear` | level + slope x t | change over half of the time |
| `exponential` | level + change x (1 - exp(-rate t)) | rate: log-uniform, 0.1 / length to 1 / smallest step |
| `two exponentials` | two such changes | both rates |
| `stretched` | level + change x (1 - exp(-(rate t)^stretch)) | stretch: uniform, 0.2 to 1 |
| `avrami` | level + change x (1 - exp(-(rate t)^order)) | order: uniform, 1 to 4 |
| `sigmoid` | level + change x (1/2 + tanh((t - position) / (2 time)) / 2) | position: uniform; time: log-uniform |

Levels and changes have normal priors of the span of the values. All standard deviations of the values may be off by one
factor (log-uniform, 0.1 to 10): weight fractions of a series have errors of their structures in common, and what is
fitted by a wrong model scatters by more than it says. The factor is told as `scatter`. Values are left
out where the model is not reliable, or a phase rather not there. Where a quantity changes abruptly is in
`tables/changes.csv`, of every quantity that is followed.

"""
