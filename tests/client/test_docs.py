"""What docs/api.md lists is what there is. Its examples run in test_against_a_server.py."""

import json
import re

from django.conf import settings

from reviewqueue.actions.decide import CAUSES
from reviewqueue.models import Reason
from reviewqueue.refusals import RULES
from tests.servers import ROOT

PAGE = (ROOT / "docs/api.md").read_text()


def examples(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.M | re.S)


def test_the_json_examples_have_the_fields_that_are_answered():
    shown, delivered, problem = (json.loads(example) for example in examples("json"))
    schemas = json.loads((ROOT / "docs/openapi.json").read_text())["components"]["schemas"]
    assert set(shown) == set(schemas["DraftOut"]["properties"])
    assert set(shown["decision"]) == set(schemas["ReplyDecision"]["properties"])
    assert set(shown["deliveries"][0]) == set(schemas["DeliveryOut"]["properties"])
    assert set(problem) == set(schemas["Problem"]["properties"])
    assert delivered["type"] == "reply.approved"


def test_it_names_what_there_is(db):
    for reason in Reason.objects.filter(kind__in=("reply", "sentiment")):
        assert f"`{reason.slug}`" in PAGE
    for cause in CAUSES:
        assert f"`{cause}`" in PAGE
    for name in dir(settings):
        if name.startswith("API_"):
            assert f"`{name}`" in PAGE
    table = PAGE.split("## Problems")[1].split("## Limits")[0]
    for status, codes in re.findall(r"^\| (\d+) \| (`[^|]*) \|", table, re.M):
        for code in re.findall(r"`([^`]*)`", codes):
            assert RULES[code].status == int(status)
    for field in json.loads((ROOT / "docs/openapi.json").read_text())["components"]["schemas"]["DraftIn"]["properties"]:
        assert f"`{field}" in PAGE


def test_every_link_leads_somewhere():
    headings = {
        re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^#+ (.*)$", PAGE, re.M)
    }
    for target, anchor in re.findall(r"\]\((?!https:)([^)#]*)(?:#([^)]*))?\)", PAGE):
        assert (ROOT / "docs" / target).exists()
        assert target or anchor in headings
