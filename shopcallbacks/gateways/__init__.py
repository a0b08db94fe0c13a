"""The registry: every gateway a shop can pick, by its name."""

from __future__ import annotations

from .adyen import Adyen
from .authorizenet import AuthorizeNet
from .authorizenet_sim import AuthorizeNetSim
from .base import Gateway
from .braintree import Braintree
from .checkoutcom import CheckoutCom
from .coinbase_commerce import CoinbaseCommerce
from .cybersource import CyberSource
from .generic_hmac import GenericHmac
from .gocardless import GoCardless
from .klarna import Klarna
from .liqpay import LiqPay
from .mollie import Mollie
from .paddle import Paddle
from .paypal import PayPal
from .paypal_ipn import PayPalIpn
from .paysera import Paysera
from .paystack import Paystack
from .paytr import PayTR
from .payu import PayU
from .postfinance import PostFinance
from .przelewy24 import Przelewy24
from .razorpay import Razorpay
from .redsys import Redsys
from .square import Square
from .standardwebhooks import StandardWebhooks
from .stripe import Stripe
from .worldpay import Worldpay

GATEWAYS: dict[str, Gateway] = {
    gateway.name: gateway
    for gateway in (
        Adyen(),
        AuthorizeNet(),
        AuthorizeNetSim(),
        Braintree(),
        CheckoutCom(),
        CoinbaseCommerce(),
        CyberSource(),
        GenericHmac(),
        GoCardless(),
        Klarna(),
        LiqPay(),
        Mollie(),
        Paddle(),
        PayPal(),
        PayPalIpn(),
        Paysera(),
        Paystack(),
        PayTR(),
        PayU(),
        PostFinance(),
        Przelewy24(),
        Razorpay(),
        Redsys(),
        Square(),
        StandardWebhooks(),
        Stripe(),
        Worldpay(),
    )
}
