"""From what was sent to what is meant: a model of schemas.py, or a refusal that names every bad field."""

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from reviewqueue.api.strict import FAULTS, pointer
from reviewqueue.lifecycle import Refused

In = TypeVar("In", bound=BaseModel)


def checked(model: type[In], document: Any) -> In:
    """The document as this model. Refused: invalid, with a pointer and a sentence for each bad field."""
    try:
        return model.model_validate(document)
    except ValidationError as failure:
        found = failure.errors(include_url=False, include_input=False)[:FAULTS]
        errors = [{"pointer": pointer(_path(document, error)), "detail": says(error)} for error in found]
        detail = f"{errors[0]['pointer'] or 'The body'} {errors[0]['detail']}."
        raise Refused("invalid", detail, errors=errors) from None


def _path(document: Any, error: ErrorDetails) -> list[int | str]:
    """Where the error is, without what pydantic puts between: tags of unions, "[key]" for a key itself."""
    path: list[int | str] = []
    for step in error["loc"]:
        is_member = isinstance(document, dict) and step in document
        if is_member or (isinstance(document, list) and isinstance(step, int)):
            document = document[step]
            path.append(step)
    last = error["loc"][-1] if error["type"] == "missing" else error.get("ctx", {}).get("field")
    return path if last is None else [*path, last]


# How an error ends a sentence that begins with the field; `{}` from the error's own context.
SAYS = {
    "missing": "is required",
    "extra_forbidden": "is not a field known here",
    "model_type": "must be an object",
    "dict_type": "must be an object",
    "list_type": "must be a list",
    "string_type": "must be a string",
    "float_type": "must be a number",
    "literal_error": "must be {expected}",
    "too_long": "may have {max_length} entries at most",
    "too_short": "must have at least {min_length} entries",
    "string_too_long": "may have {max_length} characters at most",
    "string_too_short": "must have at least {min_length} characters",
    "less_than_equal": "may be {le} at most",
    "greater_than_equal": "must be at least {ge}",
    "int_parsing": "must be a whole number",
    "value_error": "{error}",
}


def says(error: Any) -> str:
    """One error of pydantic (type, msg, ctx) in our words."""
    known = SAYS.get(error["type"])
    return known.format(**error.get("ctx", {})) if known else error["msg"]
