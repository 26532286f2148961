"""Who may open what; and a GET never writes."""

import pytest
from django.db import connection
from django.test import Client
from django.urls import get_resolver

from reviewqueue.actions import bots, claim
from reviewqueue.models import Attempt, Decision, Delivery, Draft, Queue, Settlement, User, Vote
from tests.factories import PASSWORD, make_agent, make_decision, make_draft, make_endpoint, make_queue

# Page by page: what an agent, a lead, an auditor and an admin get.
PAGES = {
    "/": (302, 302, 302, 302),
    "/desk": (200, 200, 403, 200),
    "/desk?edit=1": (200, 200, 403, 200),
    "/desk?reject=1": (200, 200, 403, 200),
    "/desk?return=1": (200, 200, 403, 200),
    "/desk?escalate=1": (200, 200, 403, 200),
    "/desk?hand=1": (200, 200, 403, 200),
    "/queue": (200, 200, 403, 200),
    "/queue/news": (200, 200, 403, 200),
    "/views": (200, 200, 403, 200),
    "/decisions": (200, 200, 403, 200),
    "/deliveries": (200, 200, 403, 200),
    "/skipped": (200, 200, 403, 200),
    "/drafts/{draft}/similar": (200, 200, 403, 200),
    "/drafts/{elsewhere}/similar": (404, 200, 403, 200),
    "/drafts/{draft}": (200, 200, 403, 200),
    "/drafts/{elsewhere}": (404, 200, 403, 200),
    "/drafts/999999999": (404, 404, 403, 404),
    "/settings": (200, 200, 200, 200),
    "/settings/queues": (403, 200, 403, 200),
    "/settings/queues/{queue}": (403, 200, 403, 200),
    "/settings/queues/999999999": (403, 404, 403, 404),
    "/keys": (200, 200, 200, 200),
    "/board": (403, 200, 200, 200),
    "/board/rates.csv": (403, 200, 200, 200),
    "/board/feedback.csv": (403, 200, 403, 200),
    "/board/feedback.jsonl": (403, 200, 403, 200),
}

# What can be posted, and what somebody may not who may not.
POSTS = {
    "/claims": (302, 302, 403, 302),
    "/queue/selection": (422, 422, 403, 422),
    "/views/new": (422, 422, 403, 422),
    "/views/999999999": (404, 404, 403, 404),
    "/skipped/{draft}": (404, 404, 403, 404),
    "/drafts/{draft}/preview": (409, 409, 403, 409),
    "/drafts/{draft}/typed": (302, 302, 403, 302),
    "/drafts/{draft}/notes": (422, 422, 403, 422),
    "/desk/ahead": (200, 200, 403, 200),
    "/pulse": (200, 200, 403, 200),
    "/drafts/{draft}/release": (409, 409, 403, 409),
    "/drafts/{draft}/skip": (409, 409, 403, 409),
    "/drafts/{draft}/pass-on": (409, 409, 403, 409),
    "/drafts/{draft}/decision": (409, 409, 403, 409),
    "/drafts/{draft}/handovers": (409, 409, 403, 409),
    "/drafts/{draft}/holder": (403, 302, 403, 302),
    "/drafts/{draft}/answers": (302, 302, 403, 302),
    "/drafts/{elsewhere}/answers": (404, 302, 403, 302),
    "/drafts/{draft}/corrections": (409, 409, 403, 409),
    "/decisions/{decision}/settlement": (403, 302, 403, 302),
    "/deliveries/{delivery}/attempts": (409, 409, 403, 409),
}

ROLES = ("agent", "lead", "auditor", "admin")

# Who is not signed in does not even learn that there is none.
ANY = dict.fromkeys(("draft", "queue", "elsewhere", "decision", "delivery"), 1)


@pytest.fixture
def ids(db, empty_redis) -> dict[str, int]:
    make_endpoint()
    decision = make_decision()
    make_queue("other")
    return {
        "draft": make_draft().pk,
        "queue": Queue.objects.get(name="default").pk,
        "elsewhere": make_draft(queue="other").pk,
        "decision": decision.pk,
        "delivery": Delivery.objects.get().pk,
    }


def signed_in(role: str) -> Client:
    client = Client()
    client.force_login(make_agent(role=role))
    return client


@pytest.mark.parametrize("page", PAGES)
def test_pages_by_role(ids, page):
    answers = {role: signed_in(role).get(page.format(**ids)) for role in ROLES}
    assert tuple(answer.status_code for answer in answers.values()) == PAGES[page]
    for answer in answers.values():
        if answer.status_code == 200:
            assert "no-store" in answer["Cache-Control"], "customers' words do not belong into a cache"


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("path", POSTS)
def test_posts_by_role(ids, path, role):
    form = {"idle": 0, "epoch": 1, "outcome": "undone", "verdict": "approve"}
    answer = signed_in(role).post(path.format(**ids), form)
    assert answer.status_code == POSTS[path][ROLES.index(role)]


@pytest.mark.parametrize("page", PAGES)
def test_nobody_comes_in_without_signing_in(db, page):
    answer = Client().get(page.format(**ANY))
    assert answer.status_code == 302
    assert answer["Location"].startswith("/sign-in?next=/")


@pytest.mark.parametrize("path", POSTS)
def test_a_form_sent_after_the_session_ended_keeps_what_was_typed(db, path):
    answer = Client().post(path.format(**ANY), {"text": "My words", "verdict": "edit"})
    assert answer.status_code == 401
    assert "You are signed out" in answer.content.decode()
    assert "My words" in answer.content.decode()


@pytest.mark.parametrize("path", POSTS)
def test_the_key_of_a_bot_opens_no_desk_and_decides_nothing(ids, path):
    """A program submits; only a person who signed in claims, decides, settles or sends again."""
    claimed = claim.claim(ids["draft"], by=make_agent())
    form = {"epoch": claimed.epoch, "verdict": "approve", "seen": bytes(claimed.digest).hex(), "outcome": "undone"}
    headers = {"authorization": f"Bearer {bots.new_key(claimed.bot)}"}
    before = [model.objects.count() for model in (Decision, Vote, Settlement, Attempt)]
    assert Client().post(path.format(**ids), form, headers=headers).status_code == 401
    assert [model.objects.count() for model in (Decision, Vote, Settlement, Attempt)] == before
    assert Draft.objects.get(pk=claimed.pk).epoch == claimed.epoch


def test_a_lost_redis_signs_nobody_out(db, empty_redis):
    agent = signed_in("agent")
    assert agent.get("/desk").status_code == 200
    empty_redis.flushall()
    assert agent.get("/desk").status_code == 200


@pytest.mark.parametrize("page", PAGES)
def test_a_get_never_writes(ids, page):
    lead = signed_in("lead")
    lead.post("/claims")
    said = []

    def hear(execute, sql, *args):
        said.append(sql.lstrip())
        return execute(sql, *args)

    with connection.execute_wrapper(hear):
        lead.get(page.format(**ids))
    assert said
    assert [sql for sql in said if not sql.startswith(("SELECT", "WITH")) or "INSERT" in sql] == []


@pytest.mark.parametrize("path", POSTS)
def test_what_writes_is_not_for_a_get(ids, path):
    """As the page says that a browser gets which opens once more what a form had led to."""
    answer = signed_in("lead").get(path.format(**ids))
    assert (answer.status_code, answer["Allow"]) == (405, "POST")
    assert "To the start page" in answer.text


@pytest.mark.parametrize("path", POSTS)
def test_a_form_of_another_site_is_refused(ids, path):
    client = Client(enforce_csrf_checks=True)
    client.force_login(make_agent(role="lead"))
    assert client.post(path.format(**ids)).status_code == 403


PARTS = (
    ("drafts", "draft"),
    ("decisions", "decision"),
    ("deliveries", "delivery"),
    ("skipped", "draft"),
    ("views", "view"),
    ("queues", "queue"),
)


def test_every_address_of_desk_and_board_is_in_a_matrix():
    ours = {
        "/" + str(pattern.pattern).replace("<int:", "<")
        for include in get_resolver().url_patterns
        if getattr(include, "urlconf_name", None) and "api" not in str(include.urlconf_name)
        for pattern in include.url_patterns
    }
    known = {"/sign-in", "/sign-out", "/language"}
    for path in [*PAGES, *POSTS]:
        name = path.partition("?")[0]
        for part, kind in PARTS:
            for told in (f"{{{kind}}}", "{elsewhere}", "999999999"):
                name = name.replace(f"/{part}/{told}", f"/{part}/<{kind}_id>")
        known.add(name)
    assert ours == known


# --- Signing in ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("role", "start"), [("agent", "/desk"), ("lead", "/desk"), ("auditor", "/board")])
def test_each_role_starts_where_it_works(db, role, start):
    user, client = make_agent(role=role), Client()
    answer = client.post("/sign-in", {"username": user.username, "password": PASSWORD})
    assert answer["Location"] == start
    assert client.get("/")["Location"] == start
    assert client.get("/sign-in")["Location"] == start


@pytest.mark.parametrize("loop", ["/sign-in", "/sign-in?next=/sign-in", "http://testserver/sign-in"])
def test_the_way_in_does_not_lead_round_and_round(db, loop):
    user, client = make_agent(), Client()
    form = {"username": user.username, "password": PASSWORD, "next": loop}
    assert client.post("/sign-in", form)["Location"] == "/desk"
    assert client.get("/sign-in", {"next": loop})["Location"] == "/desk"


def test_a_wrong_password_does_not_say_which_part_is_wrong(db):
    user = make_agent()
    pages = [
        Client().post("/sign-in", {"username": name, "password": "wrong"}).content.decode()
        for name in (user.username, "nobody")
    ]
    assert all("Name or password is not right." in page for page in pages)
    assert all("<title>Error: Sign in" in page for page in pages)


def test_after_signing_in_one_is_where_one_wanted_to_be(db):
    user, client = make_agent(), Client()
    answer = client.get("/queue?kind=reply")
    assert answer["Location"] == "/sign-in?next=/queue%3Fkind%3Dreply"
    form = {"username": user.username, "password": PASSWORD, "next": "/queue?kind=reply"}
    assert client.post("/sign-in", form)["Location"] == "/queue?kind=reply"


@pytest.mark.parametrize("trap", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_nobody_is_sent_to_another_site(db, trap):
    user = make_agent()
    form = {"username": user.username, "password": PASSWORD, "next": trap}
    assert Client().post("/sign-in", form)["Location"] == "/desk"


def test_signing_out_is_a_post(db):
    client = signed_in("agent")
    assert client.get("/sign-out").status_code == 405
    assert client.post("/sign-out")["Location"] == "/sign-in"
    assert client.get("/desk").status_code == 302


def test_who_was_switched_off_is_out_at_once(db):
    user, client = make_agent(), Client()
    client.force_login(user)
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert client.get("/desk").status_code == 302


def test_the_navigation_offers_only_what_opens(db, empty_redis):
    for role, places in (
        ("agent", ["/desk", "/queue", "/decisions"]),
        ("lead", ["/desk", "/queue", "/decisions", "/board"]),
        ("auditor", ["/board"]),
    ):
        client = signed_in(role)
        answer = client.get("/", follow=True)
        assert [link.url for link in answer.context["navigation"]] == places
        assert [client.get(place).status_code for place in places] == [200] * len(places)


def test_pages_say_that_scripts_and_styles_come_from_here_only(db):
    policy = signed_in("agent").get("/desk")["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "script-src 'self'" in policy


def test_an_agent_cannot_undo_what_another_decided(ids):
    client = signed_in("agent")
    answer = client.post(f"/decisions/{ids['decision']}/settlement", {"outcome": "undone"})
    assert answer.status_code == 403
    assert not hasattr(Decision.objects.get(pk=ids["decision"]), "settlement")
