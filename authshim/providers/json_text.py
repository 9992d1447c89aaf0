"""A reader of JSON whose errors hold nothing of the text."""

from __future__ import annotations

from typing import Any


def parse_json(text: str) -> dict[str, Any] | str:
    """Return the entries, or the reason why the text cannot be used."""
    import json

    if not text.strip():
        # rattler refuses an empty file too: its writer was interrupted.
        return "it is empty; write {} into it, or remove it"
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        return f"line {error.lineno}: {_reason(error)}"
    except RecursionError:
        return "its JSON is nested too deeply"
    except ValueError:
        # Python refuses to read a whole number of more than 4,300 digits.
        return "it has a number that is too long"
    if not isinstance(data, dict):
        return "it is not a JSON object"
    return data


def _reason(error: Any) -> str:
    """Return the JSON parser's reason without any character of the file.

    Its message may show one after a colon.
    """
    before_colon, _, _ = error.msg.partition(":")
    message = before_colon.strip()
    end = len(error.doc.rstrip())
    if message.startswith("Unterminated string") or error.pos >= end:
        return "the file ends too early; it was perhaps half written"
    return f"this is not JSON ({message[0].lower()}{message[1:]})"
