"""The registry: every gateway a shop can pick, by its name."""

from __future__ import annotations

from .base import Gateway
from .stripe import Stripe

GATEWAYS: dict[str, Gateway] = {gateway.name: gateway for gateway in (Stripe(),)}
