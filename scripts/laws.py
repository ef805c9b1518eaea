"""Find the laws that quantities follow along series, where the campaign asks for them."""

from __future__ import annotations

import sys

from bayesbeam.config.load import load_campaign
from bayesbeam.config.outline import outline_campaign
from bayesbeam.stages import command
from bayesbeam.stages.laws import write_laws


def main() -> int:
    """Run the stage with the arguments of the command line."""
    parser = command.parser(__doc__, results="folder of the campaign's results", output="JSON file of laws to make")
    arguments = parser.parse_args()

    def stage() -> None:
        campaign = outline_campaign(arguments.config, arguments.arrivals)
        # What is true in a study is said by its models.
        campaign = load_campaign(arguments.config, arguments.arrivals) if campaign.has_studies else campaign
        command.name_work("laws along series", (row.id for row in campaign.sheet))
        write_laws(campaign, arguments.results, arguments.output)

    return command.run(stage)


if __name__ == "__main__":
    sys.exit(main())
