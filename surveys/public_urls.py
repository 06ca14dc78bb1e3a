"""Public addresses: answering and refusing surveys, without a login."""

from django.urls import path, re_path

from surveys.views import brand, preferences, public

urlpatterns = [
    path("s/<str:token>", public.answer, name="survey-answer"),
    path("s/<str:token>/done", public.follow_up, name="survey-follow-up"),
    path("s/<str:token>/again", public.again, name="survey-again"),
    path("u/<str:token>", preferences.preferences, name="survey-refuse"),
    # whatever shape a token has, it is as unknown as any other
    re_path(r"^[su](?:/.*)?$", public.unknown),
    re_path(r"^brand/(?P<colour>[0-9a-f]{6})\.css$", public.colours, name="survey-colours"),
    re_path(r"^brand/(?P<key>[-a-zA-Z0-9_]{1,80})/(?P<file>[0-9a-f]{8,64}\.(?:png|jpg|gif|webp))$", brand.logo, name="survey-logo"),
]
