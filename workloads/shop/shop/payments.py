"""The payment port: authorise, capture, void, refund, by token only. Every call carries an idempotency key.

PaymentDeclined   final: the money is not to be had
PaymentError      the provider failed; nothing happened; ask again
PaymentTimeout    the provider did not answer; it may have happened; ask again with the same key
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from shop.failures import Switches, switches
from shop.resources import db


class PaymentDeclined(Exception):  # noqa: N818 - the trade's word
    """The provider says no. Asking again does not help."""


class PaymentError(Exception):
    """The provider failed before doing anything. Asking again may help."""


class PaymentTimeout(PaymentError):  # noqa: N818
    """No answer in time. Whether it happened is unknown until the same key is asked again."""


class PaymentProvider(Protocol):
    """What the shop needs of a provider. The same key twice has one effect and one answer."""

    async def authorise(self, *, token: str, amount_minor: int, currency: str, key: str) -> str:
        """Set the amount aside; returns the payment's id."""
        ...

    async def capture(self, payment_id: str, *, amount_minor: int, key: str) -> None:
        """Take the money that was set aside."""
        ...

    async def void(self, *, key: str) -> None:
        """Free the money of the authorisation with this key, set aside or taken, if there is one."""
        ...

    async def refund(self, payment_id: str, *, amount_minor: int, key: str) -> None:
        """Give back some of the money that was taken."""
        ...


@dataclass(frozen=True, slots=True)
class FakeProvider:
    """A provider with books of its own, that declines, fails and times out when told to.

    By token: `tok_declined` is declined, `tok_error` always fails, `tok_timeout` loses its first answer, any other
    is paid. By switch: see shop.failures.
    """

    switches: Switches = switches

    async def authorise(self, *, token: str, amount_minor: int, currency: str, key: str) -> str:
        """See PaymentProvider."""
        await self._obstacles(token)
        if token == "tok_declined" or self.switches.strikes("payment-declined"):  # noqa: S105
            raise PaymentDeclined("the card was declined")
        payment_id = f"pay_{key}"
        new = await db.fetch_value(
            """insert into fake_payments (id, idempotency_key, token, currency, authorised_minor)
               values ($1, $2, $3, $4, $5) on conflict (idempotency_key) do nothing returning true""",
            payment_id, key, token, currency, amount_minor,
        )  # fmt: skip
        self._lose_answer(lost=bool(new) and token == "tok_timeout")  # noqa: S105
        return payment_id

    async def capture(self, payment_id: str, *, amount_minor: int, key: str) -> None:
        """See PaymentProvider. The key is the payment itself: it is captured once."""
        await self._obstacles("")
        done = await db.fetch_value(
            """update fake_payments set captured_minor = $2 where id = $1 and not voided and authorised_minor >= $2
               returning true""",
            payment_id,
            amount_minor,
        )
        if not done:
            raise PaymentDeclined("the authorisation is gone")
        self._lose_answer(lost=False)

    async def void(self, *, key: str) -> None:
        """See PaymentProvider."""
        await self._obstacles("")
        await db.execute(
            "update fake_payments set voided = true, refunded_minor = captured_minor where idempotency_key = $1",
            key,
        )
        self._lose_answer(lost=False)

    async def refund(self, payment_id: str, *, amount_minor: int, key: str) -> None:
        """See PaymentProvider."""
        await self._obstacles("")
        async with db.transaction() as connection:
            await self._refund_once(connection, payment_id, amount_minor, key)
        self._lose_answer(lost=False)

    async def _refund_once(self, connection: Any, payment_id: str, amount_minor: int, key: str) -> None:
        new = await connection.fetchval(
            """insert into fake_refunds (idempotency_key, payment_id, amount_minor) values ($1, $2, $3)
               on conflict (idempotency_key) do nothing returning true""",
            key, payment_id, amount_minor,
        )  # fmt: skip
        if new:
            await connection.execute(
                "update fake_payments set refunded_minor = refunded_minor + $2 where id = $1",
                payment_id,
                amount_minor,
            )

    async def _obstacles(self, token: str) -> None:
        await self.switches.refresh()
        await self.switches.delay("payment-slow")
        if token == "tok_error" or self.switches.strikes("payment-error"):  # noqa: S105
            raise PaymentError("the provider answers 500")

    def _lose_answer(self, *, lost: bool) -> None:
        if lost or self.switches.strikes("payment-timeout"):
            raise PaymentTimeout("the provider did not answer in time")


provider: PaymentProvider = FakeProvider()
