"""The addresses of django-helpdesk in its own process; nothing of this product imports it."""

from django.urls import include, path

urlpatterns = [path("helpdesk/", include("helpdesk.urls", namespace="helpdesk"))]
