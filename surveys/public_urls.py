"""Public addresses: answering and refusing surveys, without a login."""

from django.urls import path

from surveys.views import public

urlpatterns = [
    path("s/<str:token>", public.answer, name="survey-answer"),
    path("s/<str:token>/done", public.follow_up, name="survey-follow-up"),
    path("u/<str:token>", public.unsubscribe, name="survey-refuse"),
]
