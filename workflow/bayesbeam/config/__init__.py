"""Campaign files: typed, checked as a whole, and explained when they are wrong."""

from __future__ import annotations

from bayesbeam.config.load import LoadedCampaign, load_campaign
from bayesbeam.config.outline import CampaignOutline, outline_campaign
from bayesbeam.config.schema import Campaign
from bayesbeam.config.sheet import MeasurementRow
from bayesbeam.config.specs import CandidateSpec, Expanded, NoiseSpec, ParameterSpec, PartSpec

__all__ = [
    "Campaign",
    "CampaignOutline",
    "CandidateSpec",
    "Expanded",
    "LoadedCampaign",
    "MeasurementRow",
    "NoiseSpec",
    "ParameterSpec",
    "PartSpec",
    "load_campaign",
    "outline_campaign",
]
