"""Addresses of the surveys' endpoints, below `/api/v1/`."""

from django.urls import path

from surveys.api.planning import ForecastView, Plan
from surveys.api.surveys import (
    InvitationDetail,
    InvitationList,
    ResponseDetail,
    ResponseList,
    SurveyDetail,
    SurveyList,
    TouchpointDetail,
    TouchpointList,
)

urlpatterns = [
    path("surveys/", SurveyList.as_view(), name="api-surveys"),
    path("surveys/<int:pk>/", SurveyDetail.as_view(), name="api-survey"),
    path("touchpoints/", TouchpointList.as_view(), name="api-touchpoints"),
    path("touchpoints/forecast/", ForecastView.as_view(), name="api-forecast"),
    path("touchpoints/<int:pk>/", TouchpointDetail.as_view(), name="api-touchpoint"),
    path("touchpoints/<int:pk>/plan/", Plan.as_view(), name="api-touchpoint-plan"),
    path("invitations/", InvitationList.as_view(), name="api-invitations"),
    path("invitations/<uuid:pk>/", InvitationDetail.as_view(), name="api-invitation"),
    path("responses/", ResponseList.as_view(), name="api-responses"),
    path("responses/<uuid:pk>/", ResponseDetail.as_view(), name="api-response"),
]
