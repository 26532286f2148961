"""The commands that set a deployment up: what they make, and that every mistake is one clear sentence."""

import hashlib
import io
import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from reviewqueue.models import Bot, BotKey, Draft, Endpoint, Event, Lane, Queue, User
from reviewqueue.queries.lanes import lanes_of
from tests.factories import PASSWORD, make_agent, make_draft
from tests.servers import SERVERS, run_manage

pytestmark = pytest.mark.django_db


def run(*args: Any) -> str:
    out = io.StringIO()
    call_command(*args, stdout=out)
    return out.getvalue().strip()


@pytest.fixture
def person(monkeypatch):
    def add(*args: str, password: str = PASSWORD) -> str:
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{password}\n"))
        return run("person", *args, "--password-stdin")

    return add


# --- person ---------------------------------------------------------------------------------------------------


def test_a_person_is_added_and_can_sign_in(person):
    run("queue", "vip")
    said = person(
        "amina",
        "--role=lead",
        "--name=Amina van Kaya",
        "--queue=vip",
        "--queue=default",
        "--language=de-AT",
        "--language=EN",
    )
    assert said == "added amina as lead"
    user = User.objects.get(username="amina")
    assert (user.role, user.get_full_name(), user.languages) == ("lead", "Amina van Kaya", ["de", "en"])
    assert sorted(user.queues.values_list("name", flat=True)) == ["default", "vip"]
    assert user.check_password(PASSWORD)
    assert PASSWORD not in str(list(Event.objects.values()))
    make_draft(language="de")
    assert lanes_of(user) == [Lane.objects.get(language="de").pk]


@pytest.mark.parametrize(
    ("args", "password", "says"),
    [
        (("ben",), "short", "too short"),
        (("ben",), "password123", "too common"),
        (("ben",), "8461973520", "entirely numeric"),
        (("benjamina",), "benjamina1", "too similar"),
        (("ben",), "", "too short"),
        (("taken",), PASSWORD, "already"),
        (("TAKEN",), PASSWORD, "already"),
        (("",), PASSWORD, "cannot be blank"),
        (("two words",), PASSWORD, "valid username"),
        (("x" * 151,), PASSWORD, "at most 150"),
        (("ben", "--queue=nowhere", "--queue=nothing"), PASSWORD, "no queue named nothing, nowhere"),
    ],
)
def test_a_person_that_cannot_be_added(person, args, password, says):
    make_agent("taken")
    before = User.objects.count()
    with pytest.raises(CommandError, match=says):
        person(*args, password=password)
    assert User.objects.count() == before


def test_a_person_has_a_role_of_ours(person):
    with pytest.raises(CommandError, match="invalid choice"):
        person("ben", "--role=boss")


# --- bot ------------------------------------------------------------------------------------------------------


def test_a_bot_gets_a_key_that_is_stored_as_its_digest_only():
    first, second = run("bot", "helper"), run("bot", "helper")
    assert first != second
    bot = Bot.objects.get(name="helper")
    assert (bot.space, bot.sandbox, bot.keys.count()) == ("main", False, 2)
    for key in (first, second):
        _, prefix, secret = key.split("_", 2)
        stored = BotKey.objects.get(prefix=prefix)
        assert bytes(stored.sha256) == hashlib.sha256(key.encode()).digest()
        assert len(secret) >= 43  # 256 bits
        assert secret not in str(list(Event.objects.values()))


def test_a_live_bot_does_not_turn_into_a_sandbox_without_a_word():
    """Who asks for a sandbox key must not walk away with one that sends."""
    run("bot", "live")
    run("bot", "safe", "--sandbox", "--space=tests")
    assert run("bot", "safe") != run("bot", "safe", "--sandbox", "--space=tests")
    for args in (("live", "--sandbox"), ("live", "--space=other"), ("safe", "--space=main")):
        before = BotKey.objects.count()
        with pytest.raises(CommandError, match="already"):
            run("bot", *args)
        assert BotKey.objects.count() == before


# --- queue ----------------------------------------------------------------------------------------------------


def test_a_queue_is_made_and_changed_knob_by_knob():
    assert run("queue", "vip", "--priority=1") == (
        "queue vip: priority 1, hold_seconds 10, lease_seconds 600, target_seconds 14400, hold of chat 3"
    )
    assert run("queue", "vip", "--hold=0", "--lease=30", "--target=60") == (
        "queue vip: priority 1, hold_seconds 0, lease_seconds 30, target_seconds 60, hold of chat 3"
    )
    assert run("queue", "calls", "--hold=0").endswith("hold_seconds 0, lease_seconds 600, target_seconds 14400")
    run("queue", "vip", "--channel-holds=chat=1,sms=0")
    assert Queue.objects.get(name="vip").channel_holds == {"chat": 1, "sms": 0}
    run("queue", "vip")
    assert Queue.objects.get(name="vip").lease_seconds == 30
    assert Queue.objects.get(name="vip").channel_holds == {"chat": 1, "sms": 0}
    run("queue", "vip", "--channel-holds=")
    assert Queue.objects.get(name="vip").channel_holds == {}


OUT_OF_RANGE = "--priority=10 --priority=-1 --priority=99999 --hold=1801 --hold=-1 --lease=4 --lease=86401 --target=-1"


@pytest.mark.parametrize("knob", [*OUT_OF_RANGE.split(), "--target=99999999999"])
def test_a_knob_out_of_its_range_changes_nothing(knob):
    with pytest.raises(CommandError, match="Out of range"):
        run("queue", "default", knob)
    queue = Queue.objects.get(name="default")
    assert (queue.priority, queue.hold_seconds, queue.lease_seconds, queue.target_seconds) == (5, 10, 600, 14_400)


@pytest.mark.parametrize("said", ["chat", "chat=", "=3", "chat=-1", "chat=2.5", "chat=soon", "chat=3,chat=4"])
def test_a_channel_has_seconds(said):
    with pytest.raises(CommandError, match="does not name channels, each once with its seconds"):
        run("queue", "default", "--channel-holds", said)


@pytest.mark.parametrize("said", ["chat=1801", "Chat=3", "a b=3", f"{'c' * 33}=3"])
def test_what_the_database_refuses_of_a_channel_is_said(said):
    with pytest.raises(CommandError, match="a channel is a word"):
        run("queue", "default", "--channel-holds", said)
    assert Queue.objects.get(name="default").channel_holds == {"chat": 3}


# --- endpoint -------------------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/hook?x=1",
        "https://example.com:8443/",
        "http://127.0.0.1:9/",
        "https://8.8.8.8/",
        "http://LOCALHOST/",
        "https://[2606:4700:4700::1111]/",
    ],
)
def test_an_endpoint_has_a_secret_of_its_own(url):
    secrets = [run("endpoint", "default", url), run("endpoint", "default", url, "--channel=email")]
    assert len(set(secrets)) == 2
    assert all(secret.startswith("whsec_") and len(secret) == 50 for secret in secrets)
    assert list(Endpoint.objects.order_by("id").values_list("url", flat=True)) == [url, url]


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "look like https"),
        ("example.com/hook", "look like https"),
        ("ftp://example.com/", "look like https"),
        ("javascript:alert(1)", "look like https"),
        ("https://", "look like https"),
        ("https:///hook", "look like https"),
        ("https://exa mple.com/", "look like https"),
        ("https://example.com/ hook", "look like https"),
        ("https://example.com:port/", "not a URL"),
        ("https://example.com:99999/", "not a URL"),
        ("https://[::1", "not a URL"),
        ("http://example.com/", "Only https leaves this network"),
        ("http://127.0.0.2/", "Only https leaves this network"),
        ("https://10.0.0.1/", "not a public address"),
        ("https://169.254.169.254/latest", "not a public address"),
        ("https://[::1]/", "not a public address"),
        ("https://example.com@192.168.0.1/", "not a public address"),
    ],
)
def test_an_endpoint_that_nothing_could_be_sent_to_is_refused(url, says):
    with pytest.raises(CommandError, match=says):
        run("endpoint", "default", url)
    assert not Endpoint.objects.exists()


def test_an_endpoint_needs_a_queue():
    with pytest.raises(CommandError, match="no queue named nowhere"):
        run("endpoint", "nowhere", "https://example.com/")


@pytest.mark.django_db
def test_an_endpoint_said_again_moves_and_is_enabled_and_keeps_its_secret():
    first = run("endpoint", "default", "https://exmaple.com/")
    Endpoint.objects.update(disabled_at="2026-01-01T00:00Z")
    assert run("endpoint", "default", "https://example.com/") == first
    assert Endpoint.objects.values_list("url", "disabled_at").get() == ("https://example.com/", None)


# --- demo and lifecycle ---------------------------------------------------------------------------------------


def test_the_demo_is_refused_where_the_database_is_ones_own(settings):
    settings.EMBEDDED = False
    with pytest.raises(CommandError, match="only with the embedded database"):
        run("demo", "--receiver=http://127.0.0.1:8001/")
    assert (User.objects.count(), Bot.objects.filter(internal=False).count()) == (0, 0)


def test_the_demo_twice_is_one_demo_with_the_same_secrets(settings):
    settings.EMBEDDED = True
    first = json.loads(run("demo", "--receiver=http://127.0.0.1:8001/"))
    drafts = Draft.objects.count()
    second = json.loads(run("demo", "--receiver=http://127.0.0.1:9001/"))
    assert drafts > 0
    assert (Draft.objects.count(), User.objects.count(), Endpoint.objects.count()) == (drafts, 3, 1)
    assert Endpoint.objects.get().url == "http://127.0.0.1:9001/"
    assert second == first
    assert BotKey.objects.filter(revoked_at=None).count() == 1
    for role in ("agent", "lead", "admin"):
        user = User.objects.get(username=first[role]["username"])
        assert user.role == role
        assert user.check_password(first[role]["password"])


def test_the_drawn_lifecycle_is_the_one_of_the_tables(settings, tmp_path):
    assert run("lifecycle", "--check") == ""
    settings.BASE_DIR = tmp_path
    (tmp_path / "docs").mkdir()
    with pytest.raises(CommandError, match="stale"):
        run("lifecycle", "--check")
    assert run("lifecycle") == "wrote docs/lifecycle.md"
    assert run("lifecycle", "--check") == ""
    page = tmp_path / "docs/lifecycle.md"
    page.write_text(page.read_text().replace("held --> queued", "held --> delivered"))
    with pytest.raises(CommandError, match="stale"):
        run("lifecycle", "--check")


def test_a_command_line_of_its_own_process_works_as_the_web_role(committed):
    """All the others run in this process; that one signs in with the web's own login."""
    run_manage("person", "amina", "--queue=default", "--password-stdin", database=committed, stdin=f"{PASSWORD}\n")
    with pytest.raises(AssertionError, match="CommandError: Demo sign-ins exist only with the embedded database"):
        run_manage("demo", "--receiver=http://127.0.0.1:1/", database=committed)
    with SERVERS.admin(committed) as cursor:
        assert cursor.execute("SELECT username, role FROM account").fetchall() == [("amina", "agent")]
