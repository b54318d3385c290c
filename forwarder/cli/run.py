"""`forwarder run`: the service. Loads the configuration, sets up logging, hands over to the composition root."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Annotated

import typer

from forwarder.app import Service, run_service
from forwarder.errors import ConfigurationError
from forwarder.observe.logs import LogFormat, configure_logging
from forwarder.settings.load import load

ConfigOption = Annotated[
    Path, typer.Option("--config", "-c", envvar="FORWARDER_CONFIG", help="The configuration file (YAML or JSON).")
]


def run(config: ConfigOption = Path("config/forwarder.yaml")) -> None:
    """Run the service: read events from Kafka and deliver them until SIGTERM."""
    try:
        loaded = load(config)
    except ConfigurationError as error:
        for problem in error.problems:
            print(problem, file=sys.stderr)  # noqa: T201 (stderr is for people)
        raise SystemExit(error.exit_code) from None
    logger = configure_logging(LogFormat.JSON, logging.INFO)
    raise SystemExit(run_service(lambda: Service(config, loaded, logger)))
