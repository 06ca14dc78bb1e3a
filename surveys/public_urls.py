"""Public addresses: answering and refusing surveys, without a login."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
