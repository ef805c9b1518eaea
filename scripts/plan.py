"""Put the measurements of a campaign into batches; earlier batches keep their members."""

from __future__ import annotations

import sys

from bayesbeam.config.outline import outline_campaign
from bayesbeam.stages import command
from bayesbeam.stages.plan import write_batches


def main() -> int:
    """Run the stage with the arguments of the command line."""
    arguments = command.parser(__doc__, output="batches.tsv, to make or to bring up to date").parse_args()

    def stage() -> None:
        campaign = outline_campaign(arguments.config, arguments.arrivals)
        command.name_work("plan", (row.id for row in campaign.sheet))
        write_batches(campaign, arguments.output)

    return command.run(stage)


if __name__ == "__main__":
    sys.exit(main())
