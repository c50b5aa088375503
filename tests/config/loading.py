"""Loads what a test writes under a repository, or tells how it is refused."""

from pathlib import Path

import pytest

from driftwatch.config.load import load_config
from driftwatch.config.model import Config
from driftwatch.errors import ConfigError

HOME = {"HOME": "/home/ops"}
ROLE = "arn:aws:iam::123456789012:role/driftwatch"
MINIMAL = "repositories: {live: {url: 'https://example.org/live.git'}}\n"
KEY = "0123456789abcdef"
MAIL = "{smtp: {host: mail.example.org, sender: drift@example.org}}"
CHAT = "{chat: {urls: 'slack://token-a/token-b'}}"
CRON = "write five cron fields such as '0 7 * * 1', or @daily, @weekly and the like"


def load(directory: Path, text: str, **environ: str) -> Config:
    file = directory / "driftwatch.yaml"
    file.write_text(MINIMAL + text + "\n", encoding="utf-8")
    return load_config(file, HOME | environ)


def refusals(directory: Path, text: str, **environ: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(directory, text, **environ)
    prefix = f"{directory}/driftwatch.yaml:"
    return [line.removeprefix(prefix) for line in str(caught.value).splitlines()]
