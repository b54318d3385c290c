"""`forwarder run`: the service. Loads the configuration, sets up logging, hands over to the composition root."""

from __future__ import annotations

import logging
from typing import Annotated

import typer

from forwarder.cli.options import (
    DEFAULT_CONFIG,
    ConfigOption,
    LogFormatOption,
    LogLevel,
    LogLevelOption,
    start_logging,
)


def run(
    config: ConfigOption = DEFAULT_CONFIG,
    check: Annotated[
        bool, typer.Option("--check", help="First check Kafka and every webhook; start only when all can be reached.")
    ] = False,
    log_level: LogLevelOption = LogLevel.INFO,
    log_format: LogFormatOption = None,
) -> None:
    """Run the service: read events from Kafka and deliver them until SIGTERM.

    SIGTERM (or Ctrl-C) lets requests in flight finish, writes the progress to Kafka and leaves the group: a restart repeats
    nothing. SIGHUP, or a change of the files, reloads the configuration; a refused one changes nothing. Health and metrics are on
    `http.listen`: /livez /readyz /metrics.

        forwarder run -c config/forwarder.yaml

        FORWARDER_KAFKA_BROKERS=kafka:9092 forwarder run --check --log-format json
    """
    from forwarder.app import Service, run_service
    from forwarder.configuration import load_checked

    loaded = load_checked(config)
    logger = start_logging(log_level, log_format)
    for warning in loaded.warnings:
        logger.log(logging.WARNING, "configuration warning", problem=warning)
    if check:
        from forwarder.cli.connect import check_all

        unreachable = [result for result in check_all(loaded.settings) if not result.ok]
        for result in unreachable:
            logger.log(logging.ERROR, "cannot be reached", target=result.target, problem=result.text)
        if unreachable:
            raise typer.Exit(1)
    raise typer.Exit(run_service(lambda: Service(config, loaded, logger)))
