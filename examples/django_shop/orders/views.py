"""The checkout, the webhook, and what can be done about an order."""

from decimal import Decimal
from functools import cache
from urllib.parse import urlencode

import httpx
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST
from shopcallbacks_client import BadSignature, Client, Refused, Webhooks

from .models import Order, Parcel

PRICES = {"kite": Decimal("59.90"), "tent": Decimal("149.00")}  # the shop's, whatever a form says


@cache
def shopcallbacks() -> Client:
    return Client(settings.SHOPCALLBACKS_URL, settings.SHOPCALLBACKS_TOKEN)


@require_POST
def check_out(request: HttpRequest) -> HttpResponse:
    """The order is kept here, handed in there, and only then paid."""
    article = request.POST.get("article", "")
    if article not in PRICES:
        raise Http404
    order = Order.objects.create(article=article, amount=PRICES[article])
    shopcallbacks().hand_in(order.number, order.amount, order.currency)
    asked = {"order": order.number, "amount": order.amount, "currency": order.currency}
    return HttpResponseRedirect(f"{settings.GATEWAY_URL}/pay?{urlencode(asked)}")


@csrf_exempt
@require_POST
def hear(request: HttpRequest) -> HttpResponse:
    """The webhook: Settings > Shop endpoint has this address, and the secrets."""
    try:
        event = Webhooks(*settings.SHOPCALLBACKS_SECRETS).read(request.headers, request.body)
    except BadSignature:
        return HttpResponse(status=400)
    Order.take(event)
    return HttpResponse(status=204)


# `cancel` and `refund` are for the shop's own people: put them behind your back office's log-in and CSRF check.


@require_POST
def cancel(request: HttpRequest, number: str) -> HttpResponse:
    """Its state here changes when the feed says so."""
    try:
        order = shopcallbacks().cancel(number)
    except Refused as refused:
        return JsonResponse({"state": refused.order.state, "why": str(refused)}, status=409)
    return JsonResponse({"state": order.state})


@require_POST
def refund(request: HttpRequest, number: str) -> HttpResponse:
    """Money is given back at the gateway; its callback to shopcallbacks is what makes the order refunded.

    What the order kept, and once: by the same key the gateway knows a click that is repeated.
    """
    get_object_or_404(Order, number=number)
    order = shopcallbacks().order(number)
    if order.state != "open":
        return JsonResponse({"state": order.state}, status=409)
    key, asked = {"Idempotency-Key": f"refund-{number}"}, {"order": number, "amount": str(order.kept)}
    httpx.post(f"{settings.GATEWAY_URL}/refunds", json=asked, headers=key, timeout=30).raise_for_status()
    return JsonResponse({"state": order.state}, status=202)


@require_GET
def show(request: HttpRequest, number: str) -> HttpResponse:
    order = get_object_or_404(Order, number=number)
    return JsonResponse({"state": order.state, "parcels": Parcel.objects.filter(order=order).count()})
