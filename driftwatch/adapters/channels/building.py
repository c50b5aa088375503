"""Settings → the channel that they describe."""

from collections.abc import Mapping

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
from driftwatch.ports import Channel


def build_channel(settings: ChannelSettings, environ: Mapping[str, str] | None = None) -> Channel:
    """Build a channel; nothing is reached before it sends.

    `environ` holds AWS credentials as environment variables, where they are not boto3's to find.
    """
    match settings:
        case SmtpSettings():
            return SmtpChannel(settings)
        case SesSettings():
            return SesChannel(settings, environ or {})
        case WebhookSettings():
            return WebhookChannel(settings)
        case ChatSettings():
            return ChatChannel(settings)
