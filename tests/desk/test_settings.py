"""How a person likes to work: stored on the account, seen on every page."""

import pytest
from django.test import Client

from reviewqueue.models import Event, User
from tests.desk.page import Page
from tests.factories import PASSWORD, make_agent, make_content, make_draft


@pytest.fixture
def amina(browse):
    return browse(make_agent("amina"))


def html(page: Page) -> dict[str, str]:
    return page.root.one("html").attributes


def stored() -> dict:
    return User.objects.get(username="amina").preferences


def save(browser, status: int = 200, **fields: str) -> Page:
    """Press Save on the settings page, with these fields changed."""
    form = browser.open("/settings").form("/settings")
    answer = browser.client.post("/settings", {**form, **fields}, follow=True)
    assert answer.status_code == status, answer.content.decode()[:2000]
    return Page(answer.content.decode())


# --- Storing -------------------------------------------------------------------------------------------------


def test_nothing_is_stored_until_something_is_chosen(amina):
    attributes = html(amina.open("/settings"))
    assert (attributes["lang"], attributes["dir"], attributes["data-single-keys"]) == ("en", "ltr", "on")
    assert not {"data-theme", "data-density"} & attributes.keys()
    assert stored() == {}


@pytest.mark.parametrize(
    ("name", "value", "attribute"),
    [
        ("theme", "dark", "data-theme"),
        ("theme", "light", "data-theme"),
        ("density", "compact", "data-density"),
        ("density", "comfortable", "data-density"),
        ("single_keys", "focus", "data-single-keys"),
        ("single_keys", "off", "data-single-keys"),
    ],
)
def test_a_choice_is_in_the_first_byte_of_every_page(amina, name, value, attribute):
    """Written by the server: no page flashes in other colours first."""
    assert "Your settings are saved." in save(amina, **{name: value}).root.one(id="say").words
    for path in ("/desk", "/queue", "/settings"):
        assert html(amina.open(path))[attribute] == value
    checked = [radio for radio in amina.page.root.all("input", name=name) if "checked" in radio.attributes]
    assert [radio.attributes["value"] for radio in checked] == [value]


def test_announcements_can_be_short_or_off(amina):
    assert amina.open("/desk").root.one(id="say").attributes["data-announce"] == "full"
    save(amina, announce="off")
    line = amina.open("/desk").root.one(id="say").attributes
    assert (line["data-announce"], line["aria-live"]) == ("off", "off")


def test_a_part_of_the_form_leaves_the_rest(amina):
    save(amina, theme="dark", **{"key-approve": "y"})
    amina.client.post("/settings", {"single_keys": "off"})
    assert stored()["theme"] == "dark"
    assert stored()["keys"] == {"approve": "Y"}
    assert stored()["single_keys"] == "off"


@pytest.mark.parametrize("field", ["theme", "density", "single_keys", "announce", "language", "time_zone"])
def test_what_is_not_on_the_list_is_refused_and_nothing_is_stored(amina, field):
    assert "Nothing was saved" in save(amina, 422, **{field: "<b>"}).words
    assert stored() == {}


def test_the_log_says_what_was_changed_but_not_to_what(amina):
    amina.client.post("/settings", {"theme": "dark"})
    event = Event.objects.get(kind="person.preferred")
    assert (event.actor, event.ids) == (f"agent:{amina.user.pk}", {"changed": ["theme"]})


def test_the_switch_leads_back_to_its_page_and_nowhere_else(amina):
    form = amina.open("/queue?kind=reply").form("/settings")
    assert amina.client.post("/settings", {**form, "single_keys": "off"})["Location"] == "/queue?kind=reply"
    for trap in ("https://evil.example/", "//evil.example", "javascript:alert(1)", ""):
        answer = amina.client.post("/settings", {"single_keys": "off", "next": trap})
        assert answer["Location"] == "/settings"
    # An address, never the name of one of our views.
    assert amina.client.post("/settings", {"single_keys": "off", "next": "draft"})["Location"] == "draft"


def test_the_switch_says_what_is(amina):
    def shown(page):
        switch = page.root.one("footer").all("button", name="single_keys")
        return [button.words for button in switch if "hidden" not in button.attributes]

    assert shown(amina.open("/queue")) == ["Single keys are on. Switch off"]
    amina.client.post("/settings", {"single_keys": "off"})
    assert shown(amina.open("/queue")) == ["Single keys are off. Switch on"]


def test_somebody_who_is_not_signed_in_stores_nothing(db):
    assert Client().post("/settings", {"theme": "dark"}).status_code == 401


def test_a_form_of_another_site_is_refused(db):
    client = Client(enforce_csrf_checks=True)
    client.force_login(make_agent("amina"))
    assert client.post("/settings", {"single_keys": "off"}).status_code == 403
    assert stored() == {}


# --- Keys ----------------------------------------------------------------------------------------------------


def test_another_key_is_on_the_button_in_help_and_in_the_settings(amina):
    make_draft()
    amina.claim()
    save(amina, **{"key-approve": " y ", "key-approve-anyway": "shift+y"})
    assert stored()["keys"] == {"approve": "Y", "approve-anyway": "Shift+Y"}
    keys = amina.open("/desk").keys
    assert "A" not in keys
    assert keys["Y"] == "Approve"
    assert amina.page.root.one("button", data_key="Y").attributes["aria-keyshortcuts"] == "Y"
    rows = [row for row in amina.open("/keys").root.all("tr") if row.one("th").words == "Approve: the AI was right"]
    assert {row.one("span").words for row in rows} == {"Y"}
    assert amina.open("/settings").root.one("input", name="key-approve").attributes["value"] == "Y"


def test_two_actions_can_change_places_and_an_empty_field_is_the_first_key(amina):
    save(amina, **{"key-approve": "e", "key-edit": "a"})
    assert stored()["keys"] == {"approve": "E", "edit": "A"}
    save(amina, **{"key-approve": "", "key-edit": ""})
    assert stored()["keys"] == {}


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("r", "R is used twice"),
        ("G", "G is used twice, or starts a sequence."),
        ("Q", "Q is used twice"),
        ("1", "Type a letter"),
        ("ctrl+a", "Type a letter"),
        ("alt+a", "Type a letter"),
        ("é", "Type a letter"),
        ("AB", "Type a letter"),
        ("Esc", "Type a letter"),
        ("<script>", "Type a letter"),
    ],
)
def test_a_key_that_clashes_or_cannot_be_is_refused_beside_its_field(amina, key, says):
    page = save(amina, 422, **{"key-approve": key, "theme": "dark"})
    field = page.root.one("input", name="key-approve").attributes
    assert (field["value"], field["aria-invalid"]) == (key, "true")
    assert says in page.root.one(id=field["aria-describedby"]).words
    assert stored() == {}


def test_with_single_keys_off_no_button_claims_to_have_one(amina):
    make_draft()
    amina.claim()
    amina.client.post("/settings", {"single_keys": "off"})
    page = amina.open("/desk")
    spoken = {element.attributes["aria-keyshortcuts"] for element in page.all_with("aria-keyshortcuts")}
    assert {key for key in spoken if not key.startswith("Control+")} == set()
    assert "Control+K Meta+K" in spoken


# --- Language and time ---------------------------------------------------------------------------------------


def test_pages_are_in_the_language_that_was_chosen_whatever_the_browser_says(amina):
    for language, direction in (("ar", "rtl"), ("ja", "ltr"), ("de", "ltr"), ("en", "ltr")):
        amina.client.post("/settings", {"language": language})
        attributes = html(Page(amina.client.get("/queue", headers={"accept-language": "fr"}).content.decode()))
        assert (attributes["lang"], attributes["dir"]) == (language, direction)


def test_without_a_choice_the_browser_says(amina):
    for asked, given in (("de-AT,de;q=0.9", "de"), ("tlh", "en"), ("ar", "ar")):
        answer = amina.client.get("/queue", headers={"accept-language": asked})
        assert html(Page(answer.content.decode()))["lang"] == given


def test_a_language_can_be_chosen_before_signing_in(db):
    client = Client()
    page = Page(client.get("/sign-in?next=/queue").content.decode())
    answer = client.post("/language", {**page.form("/language"), "language": "ar"}, follow=True)
    assert answer.redirect_chain == [("/sign-in?next=/queue", 302)]
    page = Page(answer.content.decode())
    assert html(page)["lang"] == "ar"
    (chosen,) = [one for one in page.root.all("option") if "selected" in one.attributes]
    assert (chosen.words, chosen.attributes["lang"]) == ("العربيّة", "ar")
    user = make_agent("amina")
    client.post("/sign-in", {"username": user.username, "password": PASSWORD})
    assert html(Page(client.get("/desk").content.decode()))["lang"] == "ar"
    client.post("/settings", {"language": "en"})
    assert html(Page(client.get("/desk").content.decode()))["lang"] == "en"


def test_bots_are_answered_in_english(amina):
    amina.client.post("/settings", {"language": "de"})
    amina.client.cookies["django_language"] = "de"
    answer = amina.client.get("/api/v1/drafts/1", headers={"accept-language": "de"})
    assert answer.json()["title"] == "No valid key"
    assert html(Page(amina.client.get("/api/v1/docs").content.decode()))["lang"] == "en"


def test_times_are_those_of_the_zone(amina):
    message = {"id": "m1", "author": "customer", "text": "Hello?", "sent_at": "2026-07-01T23:30:00Z"}
    draft = make_draft(conversation=make_content()["conversation"] | {"messages": [message]})
    assert "1 Jul" in amina.open(f"/drafts/{draft.pk}").words
    assert "23:30 UTC" in amina.page.words
    save(amina, time_zone="Asia/Tokyo")
    assert "2 Jul" in amina.open(f"/drafts/{draft.pk}").words
    assert "08:30 JST" in amina.page.words


def test_a_zone_that_the_machine_does_not_know_any_more_harms_nothing(amina):
    User.objects.update(preferences={"time_zone": "Mars/Olympus", "language": "tlh", "theme": "pink", "old": 1})
    attributes = html(amina.open("/settings"))
    assert attributes["lang"] == "en"
    assert "data-theme" not in attributes
