"""Signing in, signing out, preferences."""

from __future__ import annotations

import time

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import authenticate, login, logout, update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import PasswordChangeForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse
from django.utils import translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts import lockout
from accounts.actions.preferences import SWITCHES, UnknownPreference, set_preference
from accounts.forms.session import PreferencesForm, SignInForm, zones
from accounts.models import User
from accounts.models.people import normalise_email
from accounts.roles import Role
from accounts.signed_in import SignedInRequest

LANGUAGE_COOKIE = "vefa-language"
YEAR = 365 * 24 * 3600


def place_of(request: HttpRequest) -> str:
    """The address a request comes from: what the proxy saw, where one stands in front."""
    forwarded = request.headers.get("X-Forwarded-For", "")
    if settings.SECURE_PROXY_SSL_HEADER and forwarded:
        return forwarded.rsplit(",", 1)[-1].strip()
    return request.META.get("REMOTE_ADDR", "")


def safe_next(request: HttpRequest, fallback: str) -> str:
    """Where to go on: the `next` of the form or the address, if it leads nowhere else than here."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    return wanted if url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure()) else fallback


def _home(user: User) -> str:
    """The first page of a role: figures for those who see figures alone."""
    if user.role == Role.ANALYST:
        try:
            return reverse("metrics:overview")
        except NoReverseMatch:
            pass
    return settings.LOGIN_REDIRECT_URL


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """The page to sign in by e-mail. Tries are counted before the password is looked at."""
    if request.method == "GET":
        if request.user.is_authenticated:
            return redirect(safe_next(request, _home(request.user)))
        return _sign_in_page(request, SignInForm())
    form = SignInForm(request.POST)
    if not form.is_valid():
        return _sign_in_page(request, form)
    email, place = normalise_email(form.cleaned_data["email"]), place_of(request)
    try:
        if not lockout.count_try(email, place):
            form.add_error(None, _("Too many tries. Wait 15 minutes, then try again."))
            response = _sign_in_page(request, form, status=429)
            response["Retry-After"] = str(lockout.PAIR_SECONDS)
            return response
        # Django hashes a password for an unknown address too, so that both take the same time
        user = authenticate(request, username=email, password=form.cleaned_data["password"])
        if user is None:
            form.add_error(None, _("E-mail and password do not match. Check both and try again."))
            return _sign_in_page(request, form)
        lockout.forgive(email, place)
    except lockout.CountersDown:
        form.add_error(None, _("Signing in is not possible at the moment. Please try again in a minute."))
        return _sign_in_page(request, form, status=503)
    login(request, user)
    request.session["since"] = request.session["seen"] = int(time.time())
    return HttpResponseRedirect(safe_next(request, _home(user)))


def _sign_in_page(request: HttpRequest, form: SignInForm, status: int = 200) -> HttpResponse:
    context = {"form": form, "next": request.POST.get("next") or request.GET.get("next") or "", "languages": settings.LANGUAGES}
    return render(request, "registration/login.html", context, status=status)


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """Ends the session."""
    logout(request)
    return redirect(settings.LOGOUT_REDIRECT_URL)


@never_cache
@require_http_methods(["GET", "POST"])
def preferences(request: HttpRequest) -> HttpResponse:
    """The page of the own settings; the switches of the frame post one value here.

    Strangers can choose a language, which a cookie remembers.
    """
    if request.method == "POST" and "name" not in request.POST and set(SWITCHES) & set(request.POST):
        return _switch(request)
    if not request.user.is_authenticated:
        return redirect(f"{reverse('login')}?next={reverse('preferences')}")
    # a copy: a refused form must not change how this page looks
    form = PreferencesForm(request.POST or None, instance=User.objects.get(pk=request.user.pk))
    if request.method == "POST" and form.is_valid():
        user = form.save()
        translation.activate(user.language)
        messages.success(request, _("Your preferences are saved."))
        response = redirect("preferences")
        response.set_cookie(LANGUAGE_COOKIE, user.language, max_age=YEAR, secure=settings.SESSION_COOKIE_SECURE, samesite="Lax")
        return response
    return _preferences_page(request, form, PasswordChangeForm(request.user), status=422 if request.method == "POST" else 200)


def _switch(request: HttpRequest) -> HttpResponse:
    back = HttpResponse(status=204) if request.headers.get("HX-Request") else HttpResponseRedirect(safe_next(request, "/"))
    for name in SWITCHES:
        value = request.POST.get(name)
        if value is None:
            continue
        if request.user.is_authenticated:
            try:
                set_preference(user=request.user, name=name, value=value)
            except UnknownPreference:
                return HttpResponse(status=400)
        if name == "language":
            if value not in dict(settings.LANGUAGES):
                return HttpResponse(status=400)
            back.set_cookie(LANGUAGE_COOKIE, value, max_age=YEAR, secure=settings.SESSION_COOKIE_SECURE, samesite="Lax")
    return back


@never_cache
@login_required
@sensitive_post_parameters()
@require_POST
def change_password(request: SignedInRequest) -> HttpResponse:
    """Changes the own password; every other session of this person ends with it."""
    form = PasswordChangeForm(request.user, request.POST)
    if not form.is_valid():
        return _preferences_page(request, PreferencesForm(instance=request.user), form, status=422)
    user = form.save()
    update_session_auth_hash(request, user)
    messages.success(request, _("Your password is changed. All your other sessions have ended."))
    return redirect("preferences")


def _preferences_page(request: HttpRequest, form: PreferencesForm, password: PasswordChangeForm, status: int) -> HttpResponse:
    context = {"form": form, "password_form": password, "zones": zones(), "organisation_zone": settings.ORGANISATION_TIME_ZONE}
    return render(request, "accounts/account_preferences.html", context, status=status)
