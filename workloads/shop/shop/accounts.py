"""Accounts: register, sign in, sign out, export, erase. Passwords are hashed off the event loop, few at once."""

from __future__ import annotations

import asyncio
import re
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from rung.runtime.errors import OverloadedError
from shop import carts, sessions
from shop.http import Input
from shop.identifiers import new_id
from shop.identity import Visitor
from shop.problems import Problem
from shop.resources import db
from shop.sessions import Session, limit_attempts

HASHING_THREADS = 2
HASHING_WAITERS_MAX = 16
PASSWORD_LENGTH_MIN = 10

# RFC 9106, second recommended choice (64 MiB), with one lane: two may run at once without filling a small machine.
_hasher = PasswordHasher(time_cost=3, memory_cost=65_536, parallelism=1)
_pool = ThreadPoolExecutor(HASHING_THREADS, thread_name_prefix="argon2")
_waiting = 0
_EMAIL = re.compile(r"[^@\s\x00-\x1f]{1,64}@[^@\s\x00-\x1f]{1,190}")


class Credentials(Input, frozen=True, kw_only=True):
    """What somebody signs in with."""

    email: str
    password: str


class Registration(Input, frozen=True, kw_only=True):
    """A new account."""

    email: str
    password: str
    name: str = ""
    country: str = "GB"


async def _hashing(work: Any, *arguments: Any) -> Any:
    """Run in one of the few threads. Raises OverloadedError instead of a long queue of costly work."""
    global _waiting  # noqa: PLW0603 - one count per process, touched by the event loop's thread alone
    if _waiting >= HASHING_WAITERS_MAX:
        raise OverloadedError("too many people sign in at once", retry_after_seconds=2)
    _waiting += 1
    try:
        return await asyncio.get_running_loop().run_in_executor(_pool, work, *arguments)
    finally:
        _waiting -= 1


def _verify(hashed: str | None, password: str) -> bool:
    """An unknown address costs as much time as a wrong password, so that nobody can list our customers."""
    try:
        _hasher.verify(hashed or _decoy(), password)
    except (VerifyMismatchError, InvalidHashError):
        return False
    return hashed is not None


def _decoy() -> str:
    return "$argon2id$v=19$m=65536,t=3,p=1$c29tZXNhbHRzb21lc2FsdA$Zv1wFq1mTn3l6g8mN2eQ6XkVhVfXw9Qk0nq4C3c7X5A"


async def register(new: Registration, visitor: Visitor, *, address: str) -> str:
    """Create the account, take the guest's cart along, and sign in: returns the session's token.

    Raises Problem 409 when the address has an account, 422 for values that cannot be, 429 after many attempts.
    """
    email = new.email.strip().lower()
    if not _EMAIL.fullmatch(email) or len(new.name) > 200 or not re.fullmatch("[A-Z]{2}", new.country):
        raise Problem(
            422, "invalid", "email is an address, name at most 200 characters, country two capital letters"
        )
    if not PASSWORD_LENGTH_MIN <= len(new.password) <= 200:
        raise Problem(422, "invalid", f"a password has {PASSWORD_LENGTH_MIN} to 200 characters")
    await limit_attempts(address)
    hashed = await _hashing(_hasher.hash, new.password)
    created = await db.fetch_value(
        """insert into customers (id, email, password_hash, name, country) values ($1, $2, $3, $4, $5)
           on conflict (email) do nothing returning id""",
        new_id(), email, hashed, new.name, new.country,
    )  # fmt: skip
    if created is None:
        raise Problem(409, "email_taken", "this address has an account: sign in")
    return await _start(Session(customer_id=created, email=email, name=new.name), visitor)


async def sign_in(given: Credentials, visitor: Visitor, *, address: str) -> str:
    """Check the password, merge the guest's cart, start a session: returns its token. Raises Problem 401, 429."""
    email = given.email.strip().lower()
    await limit_attempts(f"{address}:{email[:100]}")
    row = await db.fetch_row("select id, email, name, password_hash from customers where email = $1", email)
    right = await _hashing(_verify, row and row["password_hash"], given.password[:200])
    if row is None or not right:
        raise Problem(401, "wrong_credentials", "the address or the password is wrong")
    return await _start(Session(customer_id=row["id"], email=row["email"], name=row["name"]), visitor)


async def _start(session: Session, visitor: Visitor) -> str:
    if visitor.guest is not None:
        await carts.merge_guest(f"g:{visitor.guest}", f"c:{session.customer_id}")
    return await sessions.start(session)


EXPORT = """
select json_build_object(
    'customer', (select json_build_object('id', id, 'email', email, 'name', name, 'country', country,
                                          'created_at', created_at) from customers where id = $1),
    'cart', (select coalesce(json_agg(json_build_object('sku', v.sku, 'quantity', l.quantity)), '[]')
               from cart_lines l join variants v on v.id = l.variant_id where l.owner = $2),
    'orders', (select coalesce(json_agg(json_build_object(
                   'id', o.id, 'number', o.number, 'status', o.status, 'placed_at', o.placed_at,
                   'email', o.email, 'name', o.name, 'address', o.address, 'country', o.country,
                   'delivery', o.delivery, 'reference', o.reference, 'currency', o.currency,
                   'total_minor', o.total_minor, 'tax_minor', o.tax_minor, 'refunded_minor', o.refunded_minor,
                   'lines', (select json_agg(json_build_object('sku', l.sku, 'title', l.title,
                       'quantity', l.quantity, 'total_minor', l.total_minor) order by l.position)
                       from order_lines l where l.order_id = o.id),
                   'refunds', (select coalesce(json_agg(json_build_object('reference', r.reference,
                       'amount_minor', r.amount_minor, 'refunded_at', r.refunded_at)), '[]')
                       from refunds r where r.order_id = o.id),
                   'events', (select json_agg(json_build_object('status', e.to_status, 'at', e.at,
                       'detail', e.detail) order by e.id) from order_events e where e.order_id = o.id)
               ) order by o.placed_at), '[]') from orders o where o.customer_id = $1))::text
"""


async def export(customer_id: uuid.UUID) -> bytes:
    """Everything the shop holds about a customer, as JSON (GDPR, article 15 and 20). No password, no token."""
    text: str = await db.fetch_value(EXPORT, customer_id, f"c:{customer_id}")
    return text.encode()


async def erase(customer_id: uuid.UUID) -> dict[str, Any]:
    """Forget a customer (GDPR, article 17). Orders stay for the books, under a pseudonym nobody can undo.

    Raises Problem 409 while an order is on its way: without an address it would not arrive.
    """
    async with db.transaction() as connection:
        await connection.execute("select 1 from customers where id = $1 for update", customer_id)
        open_orders = await connection.fetchval(
            """select count(*) from orders
                where customer_id = $1 and status in ('placed', 'authorised', 'packed', 'paid')""",
            customer_id,
        )
        if open_orders:
            raise Problem(409, "orders_open", "wait until your orders have arrived, or cancel them")
        kept = await connection.fetchval(
            """with changed as (
                   update orders set buyer = 'erased:' || id, customer_id = null, email = null, name = null,
                          address = null, reference = null, payment_token = null, flash_buyer = null,
                          fingerprint = '', updated_at = now()
                    where customer_id = $1 returning 1)
               select count(*) from changed""",
            customer_id,
        )
        await connection.execute("delete from carts where owner = $1", f"c:{customer_id}")
        await connection.execute("delete from customers where id = $1", customer_id)
    await sessions.end_all(customer_id)
    return {"erased": True, "orders_kept_pseudonymised": kept}


def profile(session: Session) -> dict[str, Any]:
    """Who is signed in."""
    return {"customer_id": str(session.customer_id), "email": session.email, "name": session.name}
