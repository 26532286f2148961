"""What the board is asked for, as it stands in the address. What makes no sense there narrows nothing."""

from typing import Any

from django import forms

from reviewqueue.queries.exports import Window
from reviewqueue.queries.rates import PERIODS

DEFAULT_PERIOD = 28


class BoardForm(forms.Form):
    days = forms.TypedChoiceField(required=False, coerce=int, choices=[(days, days) for days in PERIODS])
    bot = forms.IntegerField(required=False, min_value=1)

    @property
    def period(self) -> int:
        self.is_valid()
        return self.cleaned_data.get("days") or DEFAULT_PERIOD

    @property
    def bot_id(self) -> int | None:
        self.is_valid()
        return self.cleaned_data.get("bot")


class WindowForm(forms.Form):
    """From and to are UTC days, both included. Here nonsense is refused: half an export looks like a whole one."""

    first = forms.DateField(required=False)
    last = forms.DateField(required=False)
    bot = forms.IntegerField(required=False, min_value=1)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("first") and data.get("last") and data["first"] > data["last"]:
            raise forms.ValidationError("The first day comes after the last one. Nothing was downloaded.")
        return data

    @property
    def window(self) -> Window:
        data = self.cleaned_data
        return Window(first=data["first"], last=data["last"], bot_id=data["bot"])
