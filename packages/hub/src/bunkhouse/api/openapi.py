"""`python -m bunkhouse.api.openapi` prints the OpenAPI description, for client generators."""

import json

from bunkhouse.api.application import bare_api


def main() -> None:
    """Print it as JSON."""
    print(json.dumps(bare_api().openapi(), indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main()
