"""One include for each door."""

from django.urls import include, path

from reviewqueue.api.urls import api

urlpatterns = [
    path("", include("reviewqueue.desk.urls")),
    path("", include("reviewqueue.board.urls")),
    path("api/v1/", api.urls),
]

handler400 = "reviewqueue.refusals.bad_request"
handler403 = "reviewqueue.refusals.forbidden"
handler404 = "reviewqueue.refusals.not_found"
handler500 = "reviewqueue.refusals.server_error"
