"""Writes ``config/schema.json`` and ``config/README.md`` from the types, or checks that they are up to date.

``python -m bayesbeam.config.generate [--check]``, in a checkout of the project.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from bayesbeam.config.reference import readme
from bayesbeam.config.schema import Campaign
from bayesbeam.errors import ConfigError

FOLDER = Path(__file__).resolve().parents[3] / "config"


def schema_json() -> str:
    """Return the JSON schema of a campaign file."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Campaign.model_json_schema(by_alias=True)}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def generated() -> dict[str, str]:
    """Return the generated files by name."""
    return {"schema.json": schema_json(), "README.md": readme()}


def outdated(folder: Path) -> list[str]:
    """Return the names of generated files that are missing or differ.

    Parameters
    ----------
    folder : Path
        The folder ``config``.
    """
    found = {name: folder / name for name in generated()}
    return [name for name, content in generated().items() if not _equal(found[name], content)]


def _equal(path: Path, content: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == content


def main(arguments: list[str] | None = None) -> int:
    """Write or check the files; return the exit code.

    Parameters
    ----------
    arguments : list of str, optional
        Of the command line.
    """
    parser = argparse.ArgumentParser(description="Write config/schema.json and config/README.md from the types.")
    parser.add_argument("--check", action="store_true", help="write nothing, fail where they are out of date")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="the folder config")
    options = parser.parse_args(arguments)
    if options.check:
        wrong = outdated(options.folder)
        for name in wrong:
            remedy = "Run python -m bayesbeam.config.generate."
            print(ConfigError.at(f"config/{name}", "an old version", "what the types say", remedy), file=sys.stderr)
        return 2 if wrong else 0
    options.folder.mkdir(parents=True, exist_ok=True)
    for name, content in generated().items():
        (options.folder / name).write_text(content, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
