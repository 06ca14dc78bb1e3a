"""Addresses of signing in and out and of the reader's preferences."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
