"""What the webhooks may have missed, from the feed: by cron, each few minutes."""

from typing import Any

from django.core.management.base import BaseCommand

from orders.models import Cursor, Order
from orders.views import shopcallbacks


class Command(BaseCommand):
    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        cursor, _ = Cursor.objects.get_or_create(pk=1)
        for event in shopcallbacks().events(after=cursor.position):
            Order.take(event)
            cursor.position = event.position
            cursor.save()
