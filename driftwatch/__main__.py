"""Runs `python -m driftwatch`."""

from driftwatch.cli.main import main

main()
