"""Compare blocks of the measurements of a group, and sample those together that decide."""

from __future__ import annotations

import sys

from bayesbeam.config.load import load_campaign
from bayesbeam.sampling.checkpoint import Interrupted
from bayesbeam.stages import command, keep
from bayesbeam.stages.blocks import sample_blocks
from bayesbeam.stages.keep import Running, StopRequest
from bayesbeam.stages.progress import Progress


def main() -> int:
    """Run the stage with the arguments of the command line."""
    parser = command.parser(__doc__, results="folder of the campaign's results", output="file of blocks to make")
    parser.add_argument("--group", required=True, help="name of the group")
    keep.add_arguments(parser)
    arguments = parser.parse_args()

    def stage() -> None:
        campaign = load_campaign(arguments.config, arguments.arrivals)
        command.name_work(f"blocks of group {arguments.group}", campaign.group_members(arguments.group))
        target = campaign.campaign.sampling.target_standard_error
        with StopRequest() as stop, Progress(arguments.progress, f"blocks of {arguments.group}", target) as progress:
            running = Running(arguments.checkpoint_every, stop, arguments.threads)
            sample_blocks(campaign, arguments.group, arguments.results, arguments.output, progress, running)

    return command.run(stage, stopped=Interrupted)


if __name__ == "__main__":
    sys.exit(main())
