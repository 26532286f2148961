from django.apps import AppConfig


class ReviewqueueConfig(AppConfig):
    name = "reviewqueue"
    default_auto_field = "django.db.models.BigAutoField"
