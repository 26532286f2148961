"""The addresses of the desk: resources, never verbs."""

from django.urls import path
from django.views.i18n import set_language

from reviewqueue.desk import (
    ahead,
    decisions,
    drafts,
    handovers,
    preferences,
    queue,
    queues,
    saved_views,
    selection,
    sign_in,
    typing,
    views,
    written,
)

urlpatterns = [
    path("", sign_in.home, name="home"),
    # /sign-in, /sign-out
    path("sign-in", sign_in.SignIn.as_view(), name="sign-in"),
    path("sign-out", sign_in.SignOut.as_view(), name="sign-out"),
    # How a person likes to work; /language is for those who are not signed in yet.
    path("settings", preferences.preferences, name="settings"),
    path("settings/queues", queues.queues, name="queues"),
    path("settings/queues/<int:queue_id>", queues.queue, name="queue-settings"),
    path("keys", preferences.keyboard, name="keyboard"),
    path("language", set_language, name="language"),
    # /desk, /queue
    path("desk", views.desk, name="desk"),
    path("desk/ahead", ahead.ahead, name="ahead"),
    path("pulse", ahead.pulse, name="pulse"),
    path("queue", queue.queue, name="queue"),
    path("queue/news", queue.news, name="news"),
    path("queue/selection", selection.selection, name="selection"),
    path("claims", views.claims, name="claims"),
    # /views/<id>
    path("views", saved_views.views, name="views"),
    path("views/new", saved_views.new, name="new-view"),
    path("views/<int:view_id>", saved_views.view, name="view"),
    # /drafts/<id>
    path("drafts/<int:draft_id>", drafts.draft, name="draft"),
    path("drafts/<int:draft_id>/similar", drafts.similar, name="similar"),
    path("drafts/<int:draft_id>/preview", typing.preview, name="preview"),
    path("drafts/<int:draft_id>/typed", typing.typed, name="typed"),
    path("drafts/<int:draft_id>/notes", typing.notes, name="notes"),
    path("drafts/<int:draft_id>/release", drafts.release, name="release"),
    path("drafts/<int:draft_id>/skip", drafts.skip, name="skip"),
    path("drafts/<int:draft_id>/pass-on", drafts.pass_on, name="pass-on"),
    path("drafts/<int:draft_id>/decision", drafts.decision, name="decision"),
    path("drafts/<int:draft_id>/handovers", handovers.handovers, name="handovers"),
    path("drafts/<int:draft_id>/holder", handovers.holder, name="holder"),
    path("drafts/<int:draft_id>/answers", written.answers, name="answers"),
    path("drafts/<int:draft_id>/corrections", written.corrections, name="corrections"),
    # /decisions/<id>, /deliveries/<id>
    path("decisions", decisions.decisions, name="decisions"),
    path("decisions/<int:decision_id>/settlement", decisions.settlement, name="settlement"),
    path("deliveries", decisions.problems, name="problems"),
    path("deliveries/<int:delivery_id>/attempts", decisions.attempts, name="attempts"),
    # /skipped/<id of a draft>
    path("skipped", decisions.skips, name="skips"),
    path("skipped/<int:draft_id>", decisions.skip, name="unskip"),
]
