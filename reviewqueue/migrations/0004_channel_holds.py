"""A decision in a chat can be undone for less long than one that answers a mail."""

from django.db import migrations, models

from reviewqueue.models.queue import channel_holds

# Whoever chose a hold chose it for all channels.
CHOSEN = "UPDATE queue SET channel_holds = '{}' WHERE hold_seconds <> 10;"

RANGE = """
ALTER TABLE queue ADD CONSTRAINT queue_channel_holds_range CHECK (
  jsonb_typeof(channel_holds) = 'object' AND NOT jsonb_path_exists(channel_holds,
    '$.keyvalue() ? (!(@.key like_regex "^[a-z0-9_-]{1,32}$"
      && @.value.type() == "number" && @.value >= 0 && @.value <= 1800 && @.value == @.value.floor()))'));
"""


class Migration(migrations.Migration):
    dependencies = [("reviewqueue", "0003_defaults")]

    operations = [
        migrations.AddField(
            model_name="queue",
            name="channel_holds",
            field=models.JSONField(blank=True, db_default={"chat": 3}, default=channel_holds),
        ),
        migrations.RunSQL(CHOSEN, migrations.RunSQL.noop),
        migrations.RunSQL(RANGE, migrations.RunSQL.noop),
    ]
