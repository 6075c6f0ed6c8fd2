"""Who is asking: a customer with a session in the cache, or a guest with a signed cookie and nothing else."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from shop import sessions
from shop.problems import Problem
from shop.resources import key_of
from shop.sessions import Session
from shop.signing import sign, verified

GUEST_COOKIE = "shop_guest"
SESSION_COOKIE = "shop_session"
GUEST_SECONDS = 30 * 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """The owner of a cart and of orders. `guest` is None for somebody who never had a cookie."""

    session: Session | None = None
    guest: str | None = None

    @property
    def owner(self) -> str | None:
        """`c:<customer id>` or `g:<guest id>`; None for a first visit."""
        if self.session is not None:
            return f"c:{self.session.customer_id}"
        return f"g:{self.guest}" if self.guest else None

    def require_owner(self) -> str:
        """The owner. Raises Problem 404 for a first visit: such a visitor has nothing."""
        if self.owner is None:
            raise Problem(404, "not_found", "you have no cart yet")
        return self.owner

    def require_customer(self) -> Session:
        """The session. Raises Problem 401 when nobody is signed in."""
        if self.session is None:
            raise Problem(401, "signed_out", "sign in first")
        return self.session


async def visitor(request: Request) -> Visitor:
    """The visitor of this request. One read of the cache, and only when there is a session cookie."""
    token = request.cookies.get(SESSION_COOKIE)
    session = await sessions.find(token) if token else None
    return Visitor(session=session, guest=_guest(request.cookies.get(GUEST_COOKIE)))


async def visitor_or_new_guest(request: Request) -> tuple[Visitor, str | None]:
    """The visitor; for a first visit a new guest, with the cookie that the answer must set."""
    known = await visitor(request)
    if known.owner is not None:
        return known, None
    guest = uuid.uuid4().hex
    expires_at = int(time.time()) + GUEST_SECONDS
    return Visitor(guest=guest), sign(guest, purpose="guest", key=key_of("session-key"), expires_at=expires_at)


def _guest(cookie: str | None) -> str | None:
    if not cookie or len(cookie) > 200:
        return None
    return verified(cookie, purpose="guest", key=key_of("session-key"), now=time.time())


def guest_of(cookies: str) -> str | None:
    """The guest that a Cookie header names, when the signature is ours."""
    for part in cookies.split("; "):
        name, _, value = part.partition("=")
        if name == GUEST_COOKIE:
            return _guest(value)
    return None


def remember_guest(response: Response, cookie: str | None, *, secure: bool) -> Response:
    """Set the guest cookie when there is a new one."""
    if cookie is not None:
        response.set_cookie(
            GUEST_COOKIE, cookie, max_age=GUEST_SECONDS, httponly=True, samesite="lax", secure=secure, path="/api"
        )
    return response


def remember_session(response: Response, token: str, *, seconds: int, secure: bool) -> Response:
    """Set the session cookie. Scripts cannot read it, other sites cannot post with it."""
    response.set_cookie(
        SESSION_COOKIE, token, max_age=seconds, httponly=True, samesite="lax", secure=secure, path="/api"
    )
    return response


def forget_session(response: Response) -> Response:
    """Remove the session cookie."""
    response.delete_cookie(SESSION_COOKIE, path="/api")
    return response
