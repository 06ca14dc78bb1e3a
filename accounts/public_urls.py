"""Public addresses of the ground: a plan that its customer opens by link."""

from django.urls import path, re_path

from accounts.views import shared_plan

urlpatterns = [
    path("p/<str:token>", shared_plan.shared, name="shared-plan"),
    # whatever shape a token has, it is as unknown as any other
    re_path(r"^p(?:/.*)?$", shared_plan.unknown),
]
