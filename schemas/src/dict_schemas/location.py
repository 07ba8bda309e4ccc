"""Where the contracts lie: package data in a wheel, the folder `schemas/` in a checkout."""

from pathlib import Path


def contracts_folder() -> Path:
    """The folder that holds avro/, examples/, proto/, sql/, topics.yaml, temporal.yaml
    and operator-verbs.yaml.

    Raises FileNotFoundError when the package was installed without them.
    """
    package = Path(__file__).resolve().parent
    for folder in (package / "data", package.parents[1]):
        if (folder / "topics.yaml").is_file():
            return folder
    raise FileNotFoundError(
        f"{package} came without its contracts. Install the wheel of dict-schemas, or the checkout."
    )
