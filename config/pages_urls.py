"""Addresses of pages that span apps or belong to the installation: health of the process, the inbox."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
