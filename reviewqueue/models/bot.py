"""Programs that submit drafts, their keys, and the model versions behind them."""

from django.db import models


class Bot(models.Model):
    """A program. Conversations and customers are shared by all bots of its space. Drafts of a sandbox bot can never
    be delivered. An internal one has no keys: what people write themselves is kept under it."""

    name = models.TextField(unique=True)
    space = models.TextField(default="main")
    sandbox = models.BooleanField(default=False)
    internal = models.BooleanField(default=False, db_default=False)

    class Meta:
        db_table = "bot"

    def __str__(self) -> str:
        return self.name


class BotKey(models.Model):
    """A bearer key, stored as the SHA-256 of its 256 random bits. Several may live at once, for rotation."""

    bot = models.ForeignKey(Bot, models.PROTECT, related_name="keys")
    prefix = models.TextField(unique=True)
    sha256 = models.BinaryField()
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "bot_key"


class Source(models.Model):
    """One model version behind a bot, as the bot states it; '' where it states nothing."""

    bot = models.ForeignKey(Bot, models.PROTECT, related_name="sources")
    vendor = models.TextField(default="")
    model = models.TextField(default="")
    version = models.TextField(default="")
    prompt_version = models.TextField(default="")

    class Meta:
        db_table = "source"
        constraints = [
            models.UniqueConstraint(fields=["bot", "vendor", "model", "version", "prompt_version"], name="source_once")
        ]

    def __str__(self) -> str:
        return " ".join(part for part in (self.model, self.version, self.prompt_version) if part)
