"""Sample one candidate for a batch of measurements, by replica exchange."""

from __future__ import annotations

import sys
from pathlib import Path

from bayesbeam.config.load import load_campaign
from bayesbeam.stages import command
from bayesbeam.stages.plan import batch_members, tags_of
from bayesbeam.stages.progress import Progress
from bayesbeam.stages.sample import sample_batch


def main() -> int:
    """Run the stage with the arguments of the command line."""
    parser = command.parser(
        __doc__,
        batches="batches.tsv, made by plan.py",
        measurements="folder of the preprocessed measurements",
        output="file of draws to make or to bring up to date",
    )
    parser.add_argument("--batch", required=True, help="name of the batch")
    parser.add_argument("--tag", required=True, help="expanded candidate, e.g. peaks-k3")
    parser.add_argument("--progress", type=Path, help="JSON file that says how far the job is")
    arguments = parser.parse_args()

    def stage() -> None:
        campaign = load_campaign(arguments.config)
        members = batch_members(campaign, arguments.batches, arguments.batch)
        ids = list(tags_of(campaign, members).get(arguments.tag, ()))
        others = f" and {len(ids) - 1} more" if len(ids) > 1 else ""
        label = f"{arguments.tag} for {', '.join(ids[:1])}{others}"
        with Progress(arguments.progress, label, campaign.campaign.sampling.target_standard_error) as progress:
            sample_batch(campaign, ids, arguments.tag, arguments.measurements, arguments.output, progress)

    return command.run(stage)


if __name__ == "__main__":
    sys.exit(main())
