"""Write the report of a campaign: one page, its figures, tables and draws."""

from __future__ import annotations

import sys

from bayesbeam.config.load import load_campaign
from bayesbeam.config.outline import outline_campaign
from bayesbeam.stages import command
from bayesbeam.stages.report import build_report
from bayesbeam.stages.rulebook import command_of


def main() -> int:
    """Run the stage with the arguments of the command line."""
    parser = command.parser(__doc__, results="folder of the campaign's results", output="folder of the report to make")
    parser.add_argument("--threads", type=int, default=1, help="processes that draw figures at once")
    arguments = parser.parse_args()

    def stage() -> None:
        campaign = outline_campaign(arguments.config, arguments.arrivals)
        # What is true in a study is said by its models, which bring torch in.
        campaign = load_campaign(arguments.config, arguments.arrivals) if campaign.has_studies else campaign
        command.name_work("report", (row.id for row in campaign.sheet))
        build_report(campaign, arguments.results, arguments.output, command_of(arguments.config), arguments.threads)
        for folder in ("figures", "draws"):
            (arguments.output / folder).mkdir(exist_ok=True)

    return command.run(stage)


if __name__ == "__main__":
    sys.exit(main())
