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

SPLITTING = """
### Whether edges of a cell are equal along a series

A change of symmetry that leaves the atoms nearly where they are shows as lines that split: edges of the cell that were
equal are not. `splitting` follows one structure from pattern to pattern, with two of its edges equal and with each its
own, and tells by free energies where the one takes over from the other:

"""

EXAMPLE_SPLITTING = """\
splitting:
  name: spinel
  along: temperature_K
  structure: structures/CuCr2O4-orthorhombic.cif
  edges: [b, c]
  beside: [../../libraries/inorganic/CuO-Tenorite.cif]
"""

SPLITTING_END = """
All that a candidate with `phases` says of errors, changes of cells, texture and widths holds here too, and its
measurements are taken, those with a number in the column. Structures named here are taken to be there; others are not
looked for. The relative difference of split edges has a normal prior around 0 of a scale that is the same along the
series, log-uniform from 5e-5 to 1.4 times `cell`. Before the data, split edges all along, equal ones all along, and a
turn from the one to the other in either direction are alike, and so are all places of a turn. `tables/splitting.csv`
has the nats by which each pattern is for split edges, and their difference; `tables/transitions.csv` the
probabilities, and the interval of the place: its ends are patterns, for between two of them nothing is known. The
figure stands under Series.

"""
