"""What every deployment starts with: one queue, the reasons a draft can be rejected or escalated for,
and the bot under which people's own texts are kept."""

from django.db import migrations

REASONS = {
    "reply": [
        ("wrong-facts", "Wrong facts", False),
        ("wrong-tone", "Wrong tone", False),
        ("unsafe", "Unsafe or private data", False),
        ("wrong-language", "Wrong language or variety", False),
        ("no-answer", "Does not answer", False),
        ("policy", "Against policy", False),
        ("person", "Better written by a person", False),
        ("spam", "Spam or test", False),
        ("other", "Other", True),
    ],
    "sentiment": [
        ("cannot-tell", "Cannot tell", False),
        ("no-label-fits", "No label fits", False),
        ("spam", "Spam or test", False),
        ("other", "Other", True),
    ],
    "escalation": [
        ("authority", "Needs a decision that is not mine", False),
        ("safety", "Threat or danger to somebody", False),
        ("legal", "Legal or press", False),
        ("complaint", "Serious complaint", False),
        ("unsure", "I am not sure", False),
        ("other", "Other", True),
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
