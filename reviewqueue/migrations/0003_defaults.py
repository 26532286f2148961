"""What every deployment starts with: one queue, the reasons a draft can be rejected or escalated for,
and the bot under which people's own texts are kept."""

from django.db import migrations
from django.utils.translation import gettext_noop as _

REASONS = {
    "reply": [
        ("wrong-facts", _("Wrong facts"), False),
        ("wrong-tone", _("Wrong tone"), False),
        ("unsafe", _("Unsafe or private data"), False),
        ("wrong-language", _("Wrong language or variety"), False),
        ("no-answer", _("Does not answer"), False),
        ("policy", _("Against policy"), False),
        ("person", _("Better written by a person"), False),
        ("spam", _("Spam or test"), False),
        ("other", _("Other"), True),
    ],
    "sentiment": [
        ("cannot-tell", _("Cannot tell"), False),
        ("no-label-fits", _("No label fits"), False),
        ("spam", _("Spam or test"), False),
        ("other", _("Other"), True),
    ],
    "escalation": [
        ("authority", _("Needs a decision that is not mine"), False),
        ("safety", _("Threat or danger to somebody"), False),
        ("legal", _("Legal or press"), False),
        ("complaint", _("Serious complaint"), False),
        ("unsure", _("I am not sure"), False),
        ("other", _("Other"), True),
    ],
}


def fill(apps, schema_editor):
    apps.get_model("reviewqueue", "Queue").objects.create(name="default")
    apps.get_model("reviewqueue", "Bot").objects.create(name="people", internal=True)
    reason = apps.get_model("reviewqueue", "Reason")
    for kind, rows in REASONS.items():
        for position, (slug, label, needs_note) in enumerate(rows, 1):
            reason.objects.create(kind=kind, slug=slug, label=label, position=position, needs_note=needs_note)


class Migration(migrations.Migration):
    dependencies = [("reviewqueue", "0002_guards")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
