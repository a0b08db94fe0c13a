from django.urls import path
from orders import views

urlpatterns = [
    path("checkout", views.check_out),
    path("order-changes", views.hear),
    path("orders/<str:number>", views.show),
    path("orders/<str:number>/cancel", views.cancel),
    path("orders/<str:number>/refund", views.refund),
]
