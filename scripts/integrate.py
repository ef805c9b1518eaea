"""Compare the joint analysis of a group of measurements with their separate analyses."""

from __future__ import annotations

import sys

from bayesbeam.config.load import load_campaign
from bayesbeam.stages import command
from bayesbeam.stages.integrate import integrate_group


def main() -> int:
    """Run the stage with the arguments of the command line."""
    parser = command.parser(
        __doc__,
        results="folder of the campaign's results",
        output="JSON file of the numbers to make",
        arrays="HDF5 file of the arrays to make",
    )
    parser.add_argument("--group", required=True, help="name of the group")
    arguments = parser.parse_args()

    def stage() -> None:
        campaign = load_campaign(arguments.config, arguments.arrivals)
        command.name_work(f"integrate group {arguments.group}", campaign.group_members(arguments.group))
        integrate_group(campaign, arguments.group, arguments.results, arguments.output, arguments.arrays)

    return command.run(stage)


if __name__ == "__main__":
    sys.exit(main())
