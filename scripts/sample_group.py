"""Sample one candidate jointly for a group of measurements with shared parameters."""

from __future__ import annotations

import sys

from bayesbeam.config.load import load_campaign
from bayesbeam.sampling.checkpoint import Interrupted
from bayesbeam.stages import command, keep
from bayesbeam.stages.keep import Running, StopRequest
from bayesbeam.stages.progress import Progress
from bayesbeam.stages.reuse import cache_folder
from bayesbeam.stages.sample import sample_group


def main() -> int:
    """Run the stage with the arguments of the command line."""
    parser = command.parser(
        __doc__, measurements="folder of the preprocessed measurements", output="file of draws to make"
    )
    parser.add_argument("--group", required=True, help="name of the group")
    parser.add_argument("--tag", required=True, help="expanded candidate, e.g. peaks-k3")
    parser.add_argument("--pattern", default="", help="partial sharing of the group; all is shared without one")
    keep.add_arguments(parser)
    arguments = parser.parse_args()

    def stage() -> None:
        campaign = load_campaign(arguments.config, arguments.arrivals)
        pattern = arguments.pattern
        what = f"sample {arguments.tag} jointly, group {arguments.group}{f', {pattern} shared' if pattern else ''}"
        command.name_work(what, campaign.group_members(arguments.group))
        label = f"{arguments.tag} jointly for {arguments.group}"
        target = campaign.campaign.sampling.target_standard_error
        with StopRequest() as stop, Progress(arguments.progress, label, target) as progress:
            running = Running(arguments.checkpoint_every, stop, arguments.threads, cache_folder())
            folder, output = arguments.measurements, arguments.output
            sample_group(campaign, arguments.group, arguments.tag, folder, output, progress, running, pattern)

    return command.run(stage, stopped=Interrupted)


if __name__ == "__main__":
    sys.exit(main())
