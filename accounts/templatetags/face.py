"""Template tags and filters of the frame: icons, bands, money, times."""

from django import template

register = template.Library()
