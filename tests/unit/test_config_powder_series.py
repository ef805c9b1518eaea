"""The campaigns lab6 and cucr2o4_cooling load, and their data are what their provenance says."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

from bayesbeam.config import load_campaign


@pytest.mark.parametrize(("name", "measurements"), [("lab6", 1), ("cucr2o4_cooling", 17)])
def test_campaigns_load_and_their_data_are_those_of_the_provenance(root: Path, name: str, measurements: int) -> None:
    home = root / "config" / "campaigns" / name
    campaign = load_campaign(home)
    assert campaign.campaign.campaign == name
    assert len(campaign.ids) == measurements
    told = dict(re.findall(r"([0-9a-f]{64})  (\S+)", (home / "data" / "PROVENANCE.md").read_text(encoding="utf-8")))
    files = [file for file in (home / "data").iterdir() if file.suffix in (".cif", ".fxye")]
    assert {hashlib.sha256(file.read_bytes()).hexdigest(): file.name for file in files} == told
    assert {row.file.name for row in campaign.sheet if row.file is not None} == set(told.values())
