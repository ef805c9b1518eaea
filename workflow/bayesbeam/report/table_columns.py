"""Columns of the tables of a report, in the order in which the page lists the tables; other programs read them."""

from collections.abc import Iterator

Value = str | float | int | tuple[int, ...] | None
Rows = Iterator[tuple[Value, ...]]
"""Rows of a table, fields in the order of its columns."""

COLUMNS = {
    "measurements": (
        "measurement", "verdict", "candidate", "count", "model_probability", "probability_error", "free_energy",
        "standard_error", "next_candidate", "next_count", "next_probability", "reasons",
    ),
    "free_energy": (
        "measurement", "candidate", "count", "free_energy", "standard_error", "model_probability",
        "probability_error", "verdict",
    ),
    "parameters": (
        "measurement", "candidate", "count", "parameter", "index", "unit", "mean", "sd", "q025", "median", "q975",
        "ess", "rhat",
    ),
    "modes": (
        "measurement", "candidate", "count", "parameter", "index", "unit", "mode", "laplace_sd", "information_sd",
    ),
    "noise_curve": (
        "measurement", "candidate", "count", "factor", "free_energy", "standard_error", "best", "best_sd",
    ),
    "checks": (
        "measurement", "candidate", "count", "predictive_p", "squares_p", "runs_p", "local_p", "together_p",
        "x_from", "x_to", "deviation", "excess", "share",
    ),
    "numbering": ("measurement", "candidate", "count", "part", "numbered_by", "first", "second", "overlap"),
    "counts": ("measurement", "candidate", "part", "count", "probability", "error"),
    "terms": (
        "measurement", "candidate", "term", "always", "inclusion", "inclusion_error", "mean", "sd",
    ),
    "supports": ("measurement", "candidate", "rank", "size", "free_energy", "probability", "terms"),
    "sizes": ("measurement", "candidate", "size", "prior", "probability", "error"),
    "density_of_states": ("measurement", "candidate", "size", "low", "high", "sets", "standard_error"),
    "phases": (
        "measurement", "candidate", "phase", "formula", "space_group", "probability", "probability_half",
        "probability_double", "probability_estimated", "kind", "family", "lines_seen", "lines_in_range", "worth",
        "share", "share_sd", "share_q025", "share_median", "share_q975", "weight_fraction", "weight_sd", "weight_q025",
        "weight_median", "weight_q975", "weight_sd_fit", "cell",
    ),
    "phases_together": (
        "group", "candidate", "phase", "formula", "measurement", "probability", "share", "share_sd", "share_q025",
        "share_median", "share_q975", "weight_fraction", "weight_sd", "weight_q025", "weight_median", "weight_q975",
        "cell",
    ),
    "phase_lines": ("measurement", "candidate", "phase", "h", "k", "l", "two_theta"),
    "weighed": (
        "measurement", "candidate", "weighed_in", "weighed", "weighed_among_found", "found", "found_q025",
        "found_q975", "found_as", "found_by",
    ),
    "phase_sets": ("measurement", "candidate", "rank", "size", "free_energy", "error", "probability", "phases"),
    "unexplained_lines": ("measurement", "candidate", "two_theta", "d", "z"),
    "library": ("measurement", "candidate", "structure", "kind", "reason"),
    "averaged": (
        "measurement", "parameter", "unit", "mean", "sd", "q025", "median", "q975", "error", "candidates",
    ),
    "next_points": (
        "measurement", "about", "unit", "order", "x", "curve_sd", "noise_sd", "information", "even_information",
        "sd_before", "sd_after", "even_sd_after",
    ),
    "noise_level": (
        "measurement", "candidate", "count", "sigma", "best", "best_sd", "best_error", "free_energy_at_best",
        "standard_error_at_best", "probability_at_best", "probability_error_at_best", "free_energy_integrated",
        "standard_error_integrated", "probability_integrated", "probability_error_integrated", "level_prior",
    ),
    "exact": (
        "measurement", "candidate", "count", "quantity", "index", "unit", "exact", "exact_sd", "sampled", "sampled_sd",
        "z",
    ),
    "integration": ("group", "sharing", "free_energy", "standard_error", "gain", "probability", "verdict"),
    "conflict": (
        "group", "measurement", "parameter", "index", "mean", "sd", "rest_mean", "rest_sd", "difference", "tension",
        "gain", "gain_standard_error", "chi_square", "freedom", "p_value", "doubt",
    ),
    "partitions": ("group", "first", "second", "probability", "error"),
    "mergers": ("group", "step", "first", "second", "gain", "total", "kept"),
    "integration_averaged": (
        "group", "measurement", "parameter", "unit", "mean", "sd", "q025", "median", "q975", "error", "candidates",
    ),
    "measurement_limit": (
        "study", "kind", "level", "replicates", "analysed", "not_reliable", "model", "selected", "frequency",
        "frequency_low", "frequency_high", "mean_probability", "parameter", "index", "unit", "truth", "sd_median",
        "sd_q16", "sd_q84", "covered", "coverage", "coverage_low", "coverage_high",
    ),
    "distinguish": (
        "question", "model", "against", "kind", "level", "points", "replicates", "analysed", "not_reliable", "better",
        "frequency", "frequency_low", "frequency_high", "exact", "wished", "points_needed", "level_tolerated",
    ),
    "series": (
        "column", "x", "measurement", "candidate", "count", "model_probability", "probability_error", "verdict",
        "parameter", "index", "unit", "mean", "sd", "q025", "q975", "study",
    ),
    "series_lines": (
        "column", "tag", "parameter", "index", "unit", "slope", "standard_error", "q025", "q975", "scatter",
        "stretch", "points", "study",
    ),
    "changes": (
        "column", "tag", "parameter", "index", "unit", "form", "probability", "no_change", "one_change", "two_changes",
        "first_place", "first_low", "first_high", "second_place", "second_low", "second_high", "study",
    ),
    "turns": (
        "column", "first", "second", "first_all_along", "second_all_along", "first_below_second", "second_below_first",
        "place_low", "place_high", "points",
    ),
    "laws": (
        "column", "tag", "parameter", "index", "unit", "law", "free_energy", "standard_error", "probability", "points",
        "of_law", "mean", "sd", "study",
    ),
    "splitting": (
        "splitting", "column", "x", "measurement", "structure", "log_odds", "difference", "difference_low",
        "difference_high", "first_longer", "mean", "mean_sd", "third", "third_sd",
    ),
    "transitions": (
        "splitting", "column", "structure", "edges", "split_all_along", "equal_all_along", "split_below", "split_above",
        "place_low", "place_high", "points",
    ),
    "cell_report": (
        "measurement", "candidate", "phase", "edge", "value", "statistical_sd", "systematic_sd",
        "zero_and_displacement", "description_of_lines", "wavelength", "description",
    ),
    "runtime": ("job", "device", "cpu_seconds", "wall_seconds", "peak_memory_mb", "likelihood_rows"),
}  # fmt: skip
