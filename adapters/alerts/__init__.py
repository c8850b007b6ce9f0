"""Channels by which alerts leave the desk."""

from adapters.alerts.channels import Channel, ChannelError, Message, from_settings

__all__ = ["Channel", "ChannelError", "Message", "from_settings"]
