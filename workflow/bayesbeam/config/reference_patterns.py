"""Words of ``config/README.md`` on which sharings of a group are compared, and how."""

PATTERNS = """
### Which sharings are compared

Of every group, sharing nothing and sharing all that is under `shared` are compared. `patterns` adds partial sharings:
parts of what is shared, each with a name, or `all`. `partitions` adds divisions of the measurements into blocks, each
of which shares all, and nothing with another. Each gets a free energy with its error, and a probability. Beforehand
none, all, and each pattern weigh the same; so do all divisions into a given number of blocks together, shared out among
them: there are many ways to divide, and one of them looks good by chance.

`method` says by what means. Sampling together (`joint`) is right for any posterior and costs most. Multiplying
posteriors (`two_stage`) takes the draws of single measurements, fits a density to them, and needs no further sampling;
its error is found by leaving out chains. Where the product lies beyond the draws of a measurement the gain is a guess,
which is said. `auto` samples none and all, multiplies for patterns under `all` and for divisions, and samples the most
probable of these, and guesses that might decide, together too. Posteriors can be multiplied where parameters are
equal (no offset, factor or formula) and of one candidate; of several peaks their places must be among what is shared.
Numbers of the comparison are in `tables/integration.csv`, who disagrees with the others and in what in
`tables/conflict.csv`, divisions and mergers in `tables/partitions.csv` and `tables/mergers.csv`.

"""
