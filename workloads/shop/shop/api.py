"""The HTTP API. Routes read the request and write the answer; what happens is in the modules they call."""

from __future__ import annotations

import uuid
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rung.runtime.http import pages_first
from shop import accounts, admin, carts, checkout, flash, order_book, sessions, storefront
from shop.domain.cards import has_card_number
from shop.domain.cart import QUANTITY_MAX
from shop.domain.pricing import Delivery
from shop.failures import switches
from shop.http import Input, json, read
from shop.identity import (
    forget_session,
    remember_guest,
    remember_session,
    visitor,
    visitor_or_new_guest,
)
from shop.polls import polls_first
from shop.problems import Problem, answer, not_found
from shop.sessions import SESSION_SECONDS

LINES_PER_REQUEST_MAX = 100
DELIVERIES: tuple[Delivery, ...] = ("standard", "express", "collect")


class Line(Input, frozen=True, kw_only=True):
    """One article to put into the cart."""

    sku: str
    quantity: int = 1


class Lines(Input, frozen=True, kw_only=True):
    """Articles to put into the cart: all of them or, when one is unknown, none."""

    lines: tuple[Line, ...]


class Quantity(Input, frozen=True, kw_only=True):
    """How many of a line the cart shall hold."""

    quantity: int


class Code(Input, frozen=True, kw_only=True):
    """A promotion code."""

    code: str


async def get_cart(request: Request) -> Response:
    """GET /api/cart?country=GB&delivery=standard."""
    await _cart_trouble()
    owner = (await visitor(request)).owner
    return json(await _shown(request, owner))


async def _shown(request: Request, owner: str | None) -> dict[str, object]:
    country = request.query_params.get("country", "GB").upper()[:2]
    delivery: Delivery = next((d for d in DELIVERIES if d == request.query_params.get("delivery")), "standard")
    cart = await carts.read(owner) if owner else carts.EMPTY
    return carts.shown(cart, country=country, delivery=delivery)


async def add_lines(request: Request) -> Response:
    """POST /api/cart/lines {"lines": [{"sku", "quantity"}]}; the answer is the cart."""
    await _cart_trouble()
    wanted = await read(request, Lines)
    if not 1 <= len(wanted.lines) <= LINES_PER_REQUEST_MAX:
        raise Problem(422, "invalid", f"lines holds 1 to {LINES_PER_REQUEST_MAX} articles")
    for line in wanted.lines:
        _check_quantity(line.quantity, least=1)
    buyer, cookie = await visitor_or_new_guest(request)
    owner = buyer.require_owner()
    await carts.add(owner, [(line.sku, line.quantity) for line in wanted.lines])
    return remember_guest(json(await _shown(request, owner)), cookie, secure=_secure(request))


async def set_line(request: Request) -> Response:
    """PUT /api/cart/lines/{sku} {"quantity": n}; DELETE is quantity 0. The answer is the cart."""
    await _cart_trouble()
    quantity = 0 if request.method == "DELETE" else (await read(request, Quantity)).quantity
    _check_quantity(quantity, least=0)
    owner = (await visitor(request)).require_owner()
    await carts.set_quantity(owner, request.path_params["sku"], quantity)
    return json(await _shown(request, owner))


async def set_promotion(request: Request) -> Response:
    """PUT /api/cart/promotion {"code"}; DELETE takes it out. The answer is the cart."""
    code = None if request.method == "DELETE" else (await read(request, Code)).code[:40]
    owner = (await visitor(request)).require_owner()
    await carts.set_promotion(owner, code)
    return json(await _shown(request, owner))


def _check_quantity(quantity: int, *, least: int) -> None:
    if not least <= quantity <= QUANTITY_MAX:
        raise Problem(422, "invalid", f"quantity is a whole number from {least} to {QUANTITY_MAX}")


async def _cart_trouble() -> None:
    await switches.refresh()
    if switches.strikes("cart-error"):
        raise Problem(500, "cart_error", "the switch cart-error struck")


async def place_order(request: Request) -> Response:
    """POST /api/checkout with the header Idempotency-Key: 201 for a new order, 200 for the same one again."""
    if has_card_number((await request.body()).decode("utf-8", "replace")):
        raise Problem(422, "card_number", "never send card numbers here: send the provider's token")
    wanted = await read(request, checkout.CheckoutRequest)
    buyer = await visitor(request)
    placed = await checkout.place(
        buyer.require_owner(),
        None if buyer.session is None else buyer.session.customer_id,
        request.headers.get("idempotency-key", ""),
        wanted,
    )
    headers = {
        "location": f"/api/orders/{placed.order['id']}",
        "idempotency-replayed": str(placed.replayed).lower(),
    }
    return json(placed.order, status=200 if placed.replayed else 201, headers=headers)


async def list_orders(request: Request) -> Response:
    """GET /api/orders?after=cursor, newest first."""
    owner = (await visitor(request)).require_owner()
    rows = await order_book.listing(owner, _order_cursor(request.query_params.get("after", "")))
    following = (
        f"{rows[-1]['placed_at'].isoformat()}|{rows[-1]['id']}" if len(rows) == order_book.PAGE_LIMIT else None
    )
    cursor = None if following is None else urlsafe_b64encode(following.encode()).decode()
    return json({"items": rows, "next": cursor})


def _order_cursor(text: str) -> tuple[datetime, uuid.UUID] | None:
    if not text:
        return None
    try:
        placed_at, _, identity = urlsafe_b64decode(text).decode().partition("|")
        return datetime.fromisoformat(placed_at), uuid.UUID(identity)
    except ValueError:
        raise Problem(422, "invalid", "after is the `next` of the page before") from None


async def get_order(request: Request) -> Response:
    """GET /api/orders/{id}, the buyer's own."""
    buyer = await visitor(request)
    if buyer.owner is None:
        raise not_found("the order")
    body = await order_book.read(request.path_params["order_id"], buyer.owner)
    return Response(body, media_type="application/json", headers={"cache-control": "no-store"})


async def register(request: Request) -> Response:
    """POST /api/accounts: creates the account and signs in."""
    new = await read(request, accounts.Registration)
    token = await accounts.register(new, await visitor(request), address=_address(request))
    return remember_session(
        json({"signed_in": True}, status=201), token, seconds=SESSION_SECONDS, secure=_secure(request)
    )


async def sign_in(request: Request) -> Response:
    """POST /api/session: signs in; the guest's cart is merged into the customer's."""
    given = await read(request, accounts.Credentials)
    token = await accounts.sign_in(given, await visitor(request), address=_address(request))
    return remember_session(json({"signed_in": True}), token, seconds=SESSION_SECONDS, secure=_secure(request))


async def who(request: Request) -> Response:
    """GET /api/session: the customer, or null."""
    session = (await visitor(request)).session
    return json({"customer": session and accounts.profile(session)})


async def sign_out(request: Request) -> Response:
    """DELETE /api/session."""
    buyer = await visitor(request)
    if buyer.session is not None:
        await sessions.end(request.cookies["shop_session"])
    return forget_session(json({"signed_in": False}))


async def export(request: Request) -> Response:
    """GET /api/account/export: everything about the customer, as a file."""
    session = (await visitor(request)).require_customer()
    body = await accounts.export(session.customer_id)
    headers = {"cache-control": "no-store", "content-disposition": 'attachment; filename="my-data.json"'}
    return Response(body, media_type="application/json", headers=headers)


async def erase(request: Request) -> Response:
    """DELETE /api/account: forgets the customer; orders stay under a pseudonym."""
    session = (await visitor(request)).require_customer()
    return forget_session(json(await accounts.erase(session.customer_id)))


async def join_sale(request: Request) -> Response:
    """POST /api/flash/{sale}/join: a ticket, and where it stands."""
    buyer, cookie = await visitor_or_new_guest(request)
    joined = await flash.join(request.path_params["sale"], buyer.require_owner())
    return remember_guest(json(joined, status=201), cookie, secure=_secure(request))


async def health(_: Request) -> Response:
    """GET /health: the process answers. Dependencies are asked by /ready."""
    return json({"status": "ok"})


def _secure(request: Request) -> bool:
    return request.url.scheme == "https" or request.headers.get("x-forwarded-proto") == "https"


def _address(request: Request) -> str:
    return request.client.host if request.client else "unknown"


def _malformed(_: Request, error: Exception) -> Response:
    return json({"type": "about:blank", "status": 422, "code": "invalid", "detail": str(error)[:200]}, status=422)


#: Starlette tries them in this order: what a sale asks for most comes first.
ROUTES = [
    Route("/api/products", storefront.list_products),
    Route("/api/products/{slug}", storefront.get_product),
    Route("/api/flash", storefront.list_sales),
    Route("/api/cart/lines", add_lines, methods=["POST"]),
    Route("/api/checkout", place_order, methods=["POST"]),
    Route("/api/flash/{sale}/join", join_sale, methods=["POST"]),
    Route("/api/cart", get_cart, methods=["GET"]),
    Route("/api/cart/lines/{sku}", set_line, methods=["PUT", "DELETE"]),
    Route("/api/cart/promotion", set_promotion, methods=["PUT", "DELETE"]),
    Route("/api/categories", storefront.list_categories),
    Route("/api/orders", list_orders, methods=["GET"]),
    Route("/api/orders/{order_id:uuid}", get_order, methods=["GET"]),
    Route("/api/accounts", register, methods=["POST"]),
    Route("/api/session", sign_in, methods=["POST"]),
    Route("/api/session", who, methods=["GET"]),
    Route("/api/session", sign_out, methods=["DELETE"]),
    Route("/api/account/export", export, methods=["GET"]),
    Route("/api/account", erase, methods=["DELETE"]),
    *admin.ROUTES,
    Route("/health", health),
]

app = pages_first(
    polls_first(Starlette(routes=ROUTES, exception_handlers={Problem: answer, msgspec.MsgspecError: _malformed})),
    storefront.held,
)
