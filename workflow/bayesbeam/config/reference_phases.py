"""Words of ``config/README.md`` on phases of powder patterns."""

PHASES = """
## Phases of powder patterns

A candidate with the section `phases` is a mixture of crystals, and the question is which structures of a library are in
it, and how much of each:

"""

EXAMPLE_PHASES = """\
treatments:
  diffractometer:
    axis: {quantity: 2theta, unit: degree}
    signal: {quantity: intensity, unit: counts, counts: true}
    instrument:
      {wavelength_angstrom: 1.5405929, wavelength_2_angstrom: 1.5444274, ratio: 0.5, geometry: Bragg-Brentano}
    range: [15, 90]
candidates:
  all_structures:
    phases: {library: structures}             # a folder of CIFs beside this file
  known_elements:
    phases:
      library: [structures, more/ZnO.cif]
      elements: [Ti, V, Zn, O]                # or the name of a column of the sheet that lists them for each row
      expected: 2
      error: {line: 0.2}                      # coarse grains: lines may be off by 20 %
"""

PHASES_END = """
Wavelength and geometry come from the data file (see the section on files of diffractometers) or from `instrument` of
the treatment; without a wavelength the measurement is refused. x must be 2theta in degrees; d and Q become that by
`axis: {convert_to: degree}`. Geometry counts for intensities: words with Bragg or reflection mean a flat specimen,
words with Debye, capillary or transmission a thin one; where nothing is said, wavelengths of a tube mean the former,
others the latter with a beam of a synchrotron, polarised to 99 %. A monochromator counts if its crystal is named
(graphite, germanium, silicon, quartz, LiF; planes of the middle two as in `Ge 220`, else 111); any other is told on the
page, and not counted in.

Noise is counting statistics, or the uncertainties of the file, and an error of the calculated lines (`error`), for a
pattern never fits to counting statistics. Each set of phases has a free energy, shapes of lines and cells integrated
out; that of the candidate is that of all sets together, under the noise that goes with the best one. It is compared
with other candidates with phases (another library, other elements), and not with parts: points are added up where
lines have more than they need.

Results are shares of the intensity, weight fractions, cells and widths as parameters (`<structure>.weight_fraction`,
from 0 to 1), of the draws in which the phase is there, and besides `tables/phases.csv` with the probability of each
phase, also with the error of the model halved and doubled and, where no line is unknown, with that which is estimated
from what the best set leaves; `tables/phase_sets.csv` with free energies from the best set on (`error`: what they are
off by, as `docs/diffraction.md` says), `tables/unexplained_lines.csv` with lines that no phase has,
`tables/phase_lines.csv` with the places and indices of those that the best set has, `tables/library.csv` with what of
the library was left out or put right, and why, and `tables/weighed.csv` where columns of the sheet say what was weighed
in. Lines of structures are kept in `libraries/` of the results. `docs/diffraction.md` says what the numbers mean.

Are scans of one sample? A group of `integration` whose candidate has `phases` asks that: `shared` is then
`[phases.share, phases.cell]`, shares of the intensity and edges of the cells that are the same in all scans, against
those of each its own; zero, widths, texture and background are each scan's own. The scans are searched together, so
that a phase which is weak in each may be believed in all, and `integration/<group>.json` says how probable each is in
any and in every one of them. What structures get wrong is the same in all scans, and more of them make an interval no
narrower than that. All of it, as of one sample and by each scan alone, is in `tables/phases_together.csv` (without a
measurement: as of one sample). They must have one range and one wavelength; `patterns` and `partitions` are not
compared. A line that is unknown in one scan counts for nothing in all.

`cell_report: true` tells the edges of the cell of a pattern of one phase as a reference material needs them: lines are
bundles of rays by the geometry of the instrument, of copper with the natural widths of its spectrum. The lengths of the
instrument that count are those of the treatment times a factor, chosen by free energy. What counting and errors of form
leave open is told apart from what is systematic: zero and displacement, the description of lines (the factor a
twentieth off to both sides, and of copper a plain doublet), and the wavelength. On the page and in
`tables/cell_report.csv`; it takes half a minute for each pattern, and changes nothing of the search.

`parts`, `sparse`, `noise`, `solve`, `common`, `derived`, `starts` and `linear` do not go with `phases`, nor do
simulated studies and `next_points`.

"""
