"""What the shop's visitors do, for `rung load`: 95 % of the requests read, 5 % write.

rung load workloads/shop/workload.py                                      browse and buy
rung load workloads/shop/workload.py --journey shop.journeys:flash_sale   and a sale everybody wants
"""

from __future__ import annotations

import os
from typing import Any

import msgspec

from rung.load import Journey, Response, Step, User, capture

CATEGORIES = (
    "kitchen",
    "lighting",
    "textiles",
    "garden",
    "stationery",
    "toys",
    "books",
    "storage",
    "children",
    "pantry",
)
BRANDS = ("Brackenhall", "Dunlin", "Hollin", "Larkhill", "Osier", "Rushmere", "Tarn", "Yarrow")
FLASH_SALE = os.environ.get("SHOP_FLASH_SALE", "load-test")
#: Who wants the article asks until it is their turn, or their patience ends.
POLLS = (5, 30)


def listing(user: User) -> str:
    """Half of the visitors look at everything, a quarter at a category, a quarter at a brand within one.

    So a few lists and a few hundred products are asked for all the time and thousands now and then.
    """
    chance = user.random.random()
    if chance < 0.5:
        return "/api/products?limit=20"
    nth = min(int(user.random.expovariate(0.4)), len(CATEGORIES) - 1)
    path = f"/api/products?category={CATEGORIES[nth]}&limit=20"
    return path if chance < 0.75 else f"{path}&brand={user.random.choice(BRANDS)}"


class _Variant(msgspec.Struct):
    sku: str
    available: int


class _Product(msgspec.Struct):
    """What a visitor looks at before putting something in the cart: the rest of the answer is not decoded."""

    variants: list[_Variant]


def choose_article(user: User, response: Response) -> None:
    """Remember an article of the product that can be bought. A product of which all is sold leaves none."""
    product = msgspec.json.decode(response.body, type=_Product)
    available = [variant.sku for variant in product.variants if variant.available > 0]
    user.state["sku"] = user.random.choice(available) if available else None


def has_article(user: User) -> bool:
    """Whether there is something to buy."""
    return user.state.get("sku") is not None


def order(user: User) -> dict[str, Any]:
    """A checkout: the payment token is one that the fake provider accepts."""
    return {
        "email": f"visitor-{user.number}-{user.random.getrandbits(32):08x}@shop.example",
        "name": f"Visitor {user.number}",
        "address": {"line1": "1 Example Street", "city": "London", "postcode": "N1 1AA", "country": "GB"},
        "payment_token": "tok_visa",
        "admissions": [user.state["admission"]] if user.state.get("admission") else [],
    }


def placed_or_sold_out(response: Response) -> bool:
    """An order, or the honest answer that somebody else had the last one."""
    return response.status == 201 or response.json()["code"] == "out_of_stock"


CATALOGUE = Step("GET", listing, name="GET /api/products", reads=capture(slug="items.*.slug"))
PRODUCT = Step("GET", "/api/products/{slug}", name="GET /api/products/{slug}", reads=choose_article)
ADD = Step("POST", "/api/cart/lines", body={"lines": [{"sku": "{sku}", "quantity": 1}]}, when=has_article)
CART = Step("GET", "/api/cart", when=has_article)
CHECKOUT = Step(
    "POST", "/api/checkout", body=order, headers={"Idempotency-Key": "{unique}"}, expect=(201, 409),
    check=placed_or_sold_out, when=has_article,
)  # fmt: skip

# Two of a buyer's five requests write, so 12.5 % of the requests by buyers are 5 % that write.
browse = Journey("browse", [CATALOGUE, PRODUCT, PRODUCT], weight=87.5)
buy = Journey("buy", [CATALOGUE, PRODUCT, ADD, CART, CHECKOUT], weight=12.5)
journeys = [browse, buy]


def stand_in_line(user: User, response: Response) -> None:
    """Remember the ticket of the waiting room, and the admission once there is one."""
    standing = response.json()
    user.state["ticket"] = standing.get("ticket", user.state.get("ticket"))
    user.state["admission"] = standing["admission"]


def waits(user: User) -> bool:
    """Whether the ticket has not been let through yet."""
    return user.state["admission"] is None


def is_admitted(user: User) -> bool:
    """Whether the checkout will let this visitor buy the article of the sale."""
    return user.state["admission"] is not None


def add_the_sales_article(user: User) -> dict[str, Any]:
    """One of what everybody wants."""
    return {"lines": [{"sku": user.state["sale"]["sku"], "quantity": 1}]}


def find_sale(user: User, response: Response) -> None:
    """Remember the sale of this test. Raises StopIteration when it is not on."""
    user.state["sale"] = next(sale for sale in response.json() if sale["id"] == FLASH_SALE)


SALES = Step("GET", "/api/flash", reads=find_sale)
JOIN = Step("POST", f"/api/flash/{FLASH_SALE}/join", name="POST /api/flash/{sale}/join", reads=stand_in_line)
POLL = Step(
    "POST", f"/api/flash/{FLASH_SALE}/status", name="POST /api/flash/{sale}/status", body={"ticket": "{ticket}"},
    reads=stand_in_line, when=waits, repeat=POLLS,
)  # fmt: skip
FLASH_ADD = Step("POST", "/api/cart/lines", body=add_the_sales_article, when=is_admitted)
FLASH_CHECKOUT = Step(
    "POST", "/api/checkout", body=order, headers={"Idempotency-Key": "{unique}"}, expect=(201, 409),
    check=placed_or_sold_out, when=is_admitted,
)  # fmt: skip

rush = Journey("rush", [SALES, JOIN, POLL, FLASH_ADD, FLASH_CHECKOUT], weight=30)
flash_sale = [Journey("browse", browse.steps, weight=60), Journey("buy", buy.steps, weight=10), rush]
