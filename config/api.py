"""The API's addresses: every app brings its own endpoints."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
