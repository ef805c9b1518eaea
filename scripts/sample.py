"""Sample one candidate for a batch of measurements, by replica exchange."""

from __future__ import annotations

import sys

from bayesbeam.config.load import load_campaign
from bayesbeam.sampling.checkpoint import Interrupted
from bayesbeam.stages import command, keep
from bayesbeam.stages.keep import Running, StopRequest
from bayesbeam.stages.plan import batch_members, tags_of
from bayesbeam.stages.progress import Progress
from bayesbeam.stages.reuse import cache_folder
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
    keep.add_arguments(parser)
    arguments = parser.parse_args()

    def stage() -> None:
        campaign = load_campaign(arguments.config, arguments.arrivals)
        members = batch_members(campaign, arguments.batches, arguments.batch)
        ids = list(tags_of(campaign, members).get(arguments.tag, ()))
        command.name_work(f"sample {arguments.tag}, batch {arguments.batch}", ids)
        others = f" and {len(ids) - 1} more" if len(ids) > 1 else ""
        label = f"{arguments.tag} for {', '.join(ids[:1])}{others}"
        target = campaign.campaign.sampling.target_standard_error
        with StopRequest() as stop, Progress(arguments.progress, label, target) as progress:
            running = Running(arguments.checkpoint_every, stop, arguments.threads, cache_folder())
            folder, output = arguments.measurements, arguments.output
            sample_batch(campaign, ids, arguments.tag, folder, output, progress, running)

    return command.run(stage, stopped=Interrupted)


if __name__ == "__main__":
    sys.exit(main())
