"""Make the table of velocities for a campaign from a raw Moessbauer spectrum of alpha-iron."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bayesbeam.io.atomic import atomic_path
from bayesbeam.io.readers import ReadOptions, read_raw
from bayesbeam.stages import command
from bayesbeam.techniques.velocity_scale import VelocityScale, velocity_scale


def table(scale: VelocityScale, name: str) -> str:
    """Text of the table: how it was made, and velocity and uncertainty of every channel."""
    widths = ", ".join(f"{width:.3f}" for width in scale.widths)
    lines = [
        f"# Velocities from the lines of alpha-iron in {name}.",
        f"# Chi-square {scale.chi_square:.1f} at {scale.degrees_of_freedom} degrees of freedom, counting noise.",
        f"# Branches mirrored at channel {scale.centre:.2f}; lines, outermost first, {widths} mm/s wide.",
        f"# Departure from a straight line: {scale.departure:.4f} mm/s, which is the uncertainty far from the lines.",
        "channel,velocity (mm/s),uncertainty (mm/s)",
    ]
    rows = zip(scale.velocity, scale.uncertainty, strict=True)
    lines += [f"{channel},{velocity:.5f},{sd:.5f}" for channel, (velocity, sd) in enumerate(rows, 1)]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Make the table with the arguments of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--input", type=Path, required=True, help="raw spectrum, one count a line, both branches")
    parser.add_argument("--output", type=Path, required=True, help="table to make, for axis.calibration")
    parser.add_argument(
        "--first-branch", choices=("rising", "falling"), required=True,
        help="how the velocity goes along the first half of the channels; iron alone cannot tell",
    )  # fmt: skip
    arguments = parser.parse_args()

    def stage() -> None:
        raw = read_raw(arguments.input, ReadOptions(x=None, y=0))
        scale = velocity_scale(raw.y, arguments.first_branch == "rising", arguments.input.name)
        with atomic_path(arguments.output) as temporary:
            temporary.write_text(table(scale, arguments.input.name), encoding="utf-8")

    return command.run(stage)


if __name__ == "__main__":
    sys.exit(main())
