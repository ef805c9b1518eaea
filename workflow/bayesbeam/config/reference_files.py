"""Words of ``config/README.md`` on files of diffractometers."""

FILES = """
## Files of diffractometers

Besides tables of text and HDF5, `read.format` knows three kinds of files of powder diffraction, by their content or
their names. Their columns have names; `x`, `y` and `uncertainty` by number mean what the file itself would plot.

"""

FILE_KINDS = (
    (
        "`xrdml`: PANalytical `.xrdml`, all versions",
        "`2Theta` in degrees, else the axis that is scanned",
        "`counts`; behind an attenuator `intensity`, with unequal counting times `rate`; `sd`",
        "number of the scan, from 1; `sum`: scans over equal positions added; `join`: one after the other",
    ),
    (
        "`gsas`: `.fxye`, `.gsa`, `.raw` with records STD, ESD, FXY, FXYE, ALT of bins CONS, RALF, SLOG",
        "`2theta` in degrees (hundredths in the file), or `time of flight` in us",
        "`intensity`; `sd`",
        "number of the bank",
    ),
    (
        "`cif`: pdCIF",
        "2theta, d, Q or time of flight, by its name in the CIF",
        "measured counts, else measured or processed intensities, by their names in the CIF; `sd`",
        "name of the data block",
    ),
    (
        "`text`: `.xy`, `.xye`, `.prn`, `.csv`, `.dat`",
        "as everywhere",
        "as everywhere; `.xye` has its uncertainty in column 2",
        "",
    ),
)

FILES_FACTS = """
Raw counts behind an attenuator are multiplied by its factor, and `sd` with them; intensities of older `.xrdml` files
are multiplied already. `sd` of counts N is that of a rate of which nothing else is known, sqrt(N + 1). Intensities that
are no counts as they were detected are refused as `signal: {counts: true}`; `read: {y: counts, columns: {time:
counting_time}}` reads the counts and the seconds of each point where the file has them. In NIST's CIFs of reference
materials they stand behind rate and weight, and are taken from there if every one of them is whole.

Images of an area detector (EDF, TIFF, CBF, HDF5 of Eiger and all that fabio reads) become patterns by `image:
{geometry: detector.poni}` of a treatment, with pyFAI (`pip install "bayesbeam[detector]"`). Each pixel goes to one
point alone, so that points are independent; their uncertainties are those of counting, or of the scatter in a ring.
Of a file with several frames the column `dataset` of the sheet takes one by its number, from 1, so that a series has a
row a frame; or `sum`. Of what such a file links to, changes are not noticed.

What such a file, the lines above a table, or an HDF5 entry says of the instrument is kept with the measurement (group
`instrument` of its HDF5 file) and told in its record; what it does not say is not made up. `instrument:` of a treatment
states or corrects it. With a wavelength `axis: {convert_to: 1/angstrom}` takes 2theta to Q, and all three axes to each
other.

"""

FACTS = (
    ("`axis`", "what x is: 2theta, d, Q, time of flight, or the name of another axis"),
    ("`radiation`, `anode`", "x-ray or neutron; element of the anode"),
    (
        "`wavelength_angstrom`, `wavelength_2_angstrom`, `ratio`",
        "wavelength (K alpha 1), the second one (K alpha 2), its intensity over that of the first",
    ),
    (
        "`intended`",
        "what the instrument calls its wavelength; behind a monochromator in the incident beam the second line may be "
        "missing",
    ),
    (
        "`geometry`, `radius_mm`, `divergence`, `soller_rad`, `detector`",
        "Bragg-Brentano only where coupled axes in reflection without a mirror say so; corrections of automatic slits "
        "are not applied",
    ),
    (
        "`source_mm`, `specimen_mm`, `detector_mm`, `slit_mm`, `divergence_deg`, `soller_deg`, `zero_sd_deg`",
        "lengths along the axis of the goniometer, width of the slit, angles, and how well the zero is known: by the "
        "treatment alone, for `cell_report`",
    ),
    ("`monochromator`, `filter`", "their names, and the beam that a monochromator stands in"),
    (
        "`counting_time_s`, `counting_times`, `attenuation`",
        "counting time of a point, or its range where it differs; strongest attenuation",
    ),
    ("`displacement_mm`, `temperature_K`, `sample`, `status`, `started`", "of the specimen and of the scan"),
)

FILES_END = """
In lines above a table `wavelength = 1.5406`, `K-Alpha1 wavelength,1.54060`, `_WL1=1.5406`, `Temp (K) = 7` and their
likes count, with or without a comment sign; a length without a unit is in angstrom, a temperature without one is left.
"""
