"""Orders as this shop knows them, and how far it has followed what becomes of them."""

import uuid

from django.db import models, transaction
from shopcallbacks_client import Event


def new_number() -> str:
    return uuid.uuid4().hex[:12]


class Order(models.Model):
    """`place`: of the last change that was taken, in the feed."""

    number = models.CharField(primary_key=True, max_length=12, default=new_number)
    article = models.CharField(max_length=20)
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    currency = models.CharField(max_length=3, default="EUR")
    state = models.CharField(max_length=20, default="temporary")
    place = models.BigIntegerField(default=0)

    @classmethod
    def take(cls, event: Event) -> None:
        """However often it is told, and by whichever way: an event not beyond the order's place was taken before."""
        with transaction.atomic():
            order = cls.objects.select_for_update().filter(number=event.order, place__lt=event.place).first()
            if order is None:
                return
            order.state, order.place = event.to, event.place
            order.save()
            if order.state == "open":
                Parcel.objects.get_or_create(order=order)


class Parcel(models.Model):
    """An order may come to `open` more than once; it is the key of its parcel, so that nothing is sent twice.

    Send a parcel only while its order is `open`.
    """

    order = models.OneToOneField(Order, models.PROTECT, primary_key=True)


class Cursor(models.Model):
    """One row: up to there the feed has been read."""

    position = models.CharField(max_length=20, default="0")
