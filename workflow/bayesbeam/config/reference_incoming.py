"""Words of ``config/README.md`` on files that arrive in a folder."""

INCOMING = """
## Files that arrive

During a beam time files land in a folder. A campaign can name the folder, and how the name of a file tells the rest:

"""

EXAMPLE_INCOMING = """\
incoming:
  folder: /data/run7
  files: "*.dat"
  name: 'scan_(?P<_number>[0-9]+)_(?P<temperature_K>[0-9.]+)K[.]dat'
  id: "scan_{_number}"
  treatment: default
"""

INCOMING_END = """
`make run` takes what is complete: a file that has not changed for `unchanged_s` seconds, for which it waits once. Run
again, it samples only what is new; a file that is replaced is done again with all that depends on it, and one that is
removed is left out from then on.

`make watch CAMPAIGN=...` goes on looking, every few seconds, and runs whenever a file is newly complete, or a file, a
row of the sheet or the campaign was changed. It keeps `results/<campaign>/live/index.html`, a page that loads itself
again: what has arrived and waits, is at work, was refused and why; which candidate was chosen, with its probability and
verdict; how quantities move along `report.series`, or along the columns and the arrival. A refused measurement does not
end the watch, and what failed is tried again with the next file, or after five minutes. Ctrl-C ends it, as does
`bayesbeam watch --until-idle SECONDS` when nothing has changed for so long; arguments behind `--` go to snakemake.

What a file was taken for is never changed by later ones. A file whose name does not fit, makes no id, or makes one that
exists already is left out and named with the reason; the others go on. Which files a run has accepted is written in
`results/<campaign>/arrivals.tsv`, so that a file that lands while it is at work is for the next one; snakemake by hand
looks at that list only. Names of measurements under candidates, groups and series are not checked against what is
there, since it may still come; a group joins in when two of its measurements are there.

"""
