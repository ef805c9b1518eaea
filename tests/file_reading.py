"""What tests of readers do: write a file of so much text, read it, and take the message of a refusal."""

from __future__ import annotations

from pathlib import Path

import pytest

from bayesbeam.errors import DataError
from bayesbeam.io.readers import RawData, ReadOptions, read_raw


def read_text(path: Path, text: str | bytes, **options: object) -> RawData:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_raw(path, ReadOptions(**options))  # type: ignore[arg-type]


def refusal_of(path: Path, text: str | bytes, **options: object) -> str:
    """Message of a refusal, which begins with the name of the file and says what was expected."""
    with pytest.raises(DataError) as caught:
        read_text(path, text, **options)
    message = str(caught.value)
    assert message.startswith(f"{path.name}: ")
    assert "; expected " in message
    return message
