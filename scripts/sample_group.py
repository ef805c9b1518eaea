"""Sample one candidate jointly for a group of measurements with shared parameters."""

from __future__ import annotations

import sys
from pathlib import Path

from bayesbeam.config.load import load_campaign
from bayesbeam.stages import command
from bayesbeam.stages.progress import Progress
from bayesbeam.stages.sample import sample_group


def main() -> int:
    """Run the stage with the arguments of the command line."""
    parser = command.parser(
        __doc__, measurements="folder of the preprocessed measurements", output="file of draws to make"
    )
    parser.add_argument("--group", required=True, help="name of the group")
    parser.add_argument("--tag", required=True, help="expanded candidate, e.g. peaks-k3")
    parser.add_argument("--progress", type=Path, help="JSON file that says how far the job is")
    arguments = parser.parse_args()

    def stage() -> None:
        campaign = load_campaign(arguments.config)
        label = f"{arguments.tag} jointly for {arguments.group}"
        with Progress(arguments.progress, label, campaign.campaign.sampling.target_standard_error) as progress:
            sample_group(campaign, arguments.group, arguments.tag, arguments.measurements, arguments.output, progress)

    return command.run(stage)


if __name__ == "__main__":
    sys.exit(main())
