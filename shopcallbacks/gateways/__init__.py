"""The registry: every gateway a shop can pick, by its name."""

from __future__ import annotations

from .adyen import Adyen
from .authorizenet import AuthorizeNet
from .base import Gateway
from .braintree import Braintree
from .generic_hmac import GenericHmac
from .liqpay import LiqPay
from .mollie import Mollie
from .paypal import PayPal
from .paypal_ipn import PayPalIpn
from .paytr import PayTR
from .postfinance import PostFinance
from .square import Square
from .standardwebhooks import StandardWebhooks
from .stripe import Stripe

GATEWAYS: dict[str, Gateway] = {
    gateway.name: gateway
    for gateway in (
        Adyen(),
        AuthorizeNet(),
        Braintree(),
        GenericHmac(),
        LiqPay(),
        Mollie(),
        PayPal(),
        PayPalIpn(),
        PayTR(),
        PostFinance(),
        Square(),
        StandardWebhooks(),
        Stripe(),
    )
}
