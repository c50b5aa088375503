"""Every kind of settings has its channel, and building one reaches nothing."""

import pytest

from driftwatch.adapters.channels.building import build_channel
from driftwatch.adapters.channels.chat import ChatChannel
from driftwatch.adapters.channels.ses import SesChannel
from driftwatch.adapters.channels.smtp import SmtpChannel
from driftwatch.adapters.channels.webhook import WebhookChannel
from driftwatch.config.service_model import (
    ChannelSettings,
    ChatSettings,
    SesSettings,
    SmtpSettings,
    WebhookSettings,
)


@pytest.mark.parametrize(
    ("settings", "kind"),
    [
        (SmtpSettings("nowhere.invalid", 25, "a@example.org"), SmtpChannel),
        (SesSettings("eu-west-1", "a@example.org"), SesChannel),
        (WebhookSettings("https://nowhere.invalid/x", "0123456789abcdef"), WebhookChannel),
        (ChatSettings(("json://nowhere.invalid",)), ChatChannel),
    ],
)
def test_every_kind_of_settings_has_its_channel(settings: ChannelSettings, kind: type) -> None:
    channel = build_channel(settings)
    assert isinstance(channel, kind)
    assert isinstance(channel.targets, tuple)
