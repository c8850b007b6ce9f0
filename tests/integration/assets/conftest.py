"""Fixtures of the assets' tests."""

from tests.integration.assets.viewed import case, viewer

__all__ = ["case", "viewer"]
