"""Addresses of signing in and out and of the reader's preferences."""

from django.urls import path

from accounts.views import session

urlpatterns = [
    path("login/", session.sign_in, name="login"),
    path("logout/", session.sign_out, name="logout"),
    path("preferences/", session.preferences, name="preferences"),
    path("preferences/password/", session.change_password, name="change_password"),
]
