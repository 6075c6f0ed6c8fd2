"""Values as DynamoDB writes them, `{"N": "7"}`, and back: one codec for every adapter, so that none differs."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

#: What a number may have. Source: AWS, "Supported data types and naming rules in Amazon DynamoDB".
DIGITS_MAX = 38

Value = str | int | Decimal | bool | bytes | list[Any] | dict[str, Any] | None
Attribute = dict[str, Any]


def to_attribute(value: Any) -> Attribute:
    """A value of Python. Raises TypeError for a float, which is not exact, and for what has no type there."""
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case str():
            return {"S": value}
        case int() | Decimal():
            return {"N": _number(Decimal(value))}
        case bytes() | bytearray():
            return {"B": bytes(value)}
        case list() | tuple():
            return {"L": [to_attribute(each) for each in value]}
        case Mapping():
            return {"M": {str(name): to_attribute(each) for name, each in value.items()}}
        case float():
            raise TypeError(f"{value!r} is a float: write Decimal({str(value)!r}), which stays what it is")
        case _:
            raise TypeError(f"a {type(value).__name__} cannot be kept: text, numbers, bytes, lists and dicts can")


def from_attribute(attribute: Mapping[str, Any]) -> Any:
    """The value of Python; a whole number is an int, any other a Decimal."""
    ((kind, value),) = attribute.items()
    match kind:
        case "NULL":
            return None
        case "N":
            number = Decimal(value)
            return int(number) if number == number.to_integral_value() else number
        case "B":
            return bytes(value)
        case "L":
            return [from_attribute(each) for each in value]
        case "M":
            return {name: from_attribute(each) for name, each in value.items()}
        case "SS" | "NS" | "BS":
            single = kind[0]
            return sorted((from_attribute({single: each}) for each in value), key=str)
        case _:
            return value


def to_item(values: Mapping[str, Any]) -> dict[str, Attribute]:
    """All attributes of an item."""
    return {name: to_attribute(value) for name, value in values.items()}


def from_item(item: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The item as values of Python."""
    return {name: from_attribute(attribute) for name, attribute in item.items()}


def size_of(item: Mapping[str, Attribute]) -> int:
    """About the bytes that DynamoDB counts, never fewer: names and values, three for each list and dict."""
    return sum(len(name.encode()) + _size(attribute) for name, attribute in item.items())


def _size(attribute: Attribute) -> int:
    ((kind, value),) = attribute.items()
    match kind:
        case "S":
            return len(value.encode())
        case "N":
            return len(value) + 1
        case "B":
            return len(value)
        case "L":
            return 3 + sum(1 + _size(each) for each in value)
        case "M":
            return 3 + sum(1 + len(name.encode()) + _size(each) for name, each in value.items())
        case _:
            return 1


def _number(number: Decimal) -> str:
    """One text for equal numbers: 1, 1.0 and 1.00 are the same item key and the same condition."""
    if not number.is_finite() or len(number.as_tuple().digits) > DIGITS_MAX:
        raise ValueError(f"{number} is no number of {DIGITS_MAX} digits")
    return format(number.normalize(), "f")
