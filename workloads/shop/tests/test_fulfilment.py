"""The saga: an order reaches the door, or everything it took is given back, whatever fails and however often."""

from __future__ import annotations

import secrets
import uuid
from typing import Any

import pytest


async def _order(shop: Any, sku: str, quantity: int = 1, **changes: Any) -> Any:
    browser = shop.browser()
    await browser.add(sku, quantity)
    answer = await browser.checkout(**changes)
    assert answer.status == 201, answer.body
    return answer.json


async def _status(shop: Any, order: Any) -> tuple[str, str | None]:
    row = await shop.db.fetch_row("select status, reason from orders where id = $1", uuid.UUID(order["id"]))
    return row["status"], row["reason"]


async def _books(shop: Any, order: Any) -> tuple[int, int, int, bool] | None:
    row = await shop.db.fetch_row(
        """select authorised_minor, captured_minor, refunded_minor, voided from fake_payments
            where idempotency_key = $1""",
        f"order-{order['id']}",
    )
    return row and tuple(row)


async def test_an_order_is_paid_for_packed_and_shipped(shop: Any) -> None:
    [sku] = await shop.article(10, price_minor=1_000)
    order = await _order(shop, sku, 4)
    before = await shop.db.fetch_value("select coalesce(sum(units), 0) from sales_daily")
    assert await shop.work() == []
    assert await _status(shop, order) == ("shipped", None)
    assert await shop.stock(sku) == (6, 0)
    assert await _books(shop, order) == (4_000, 4_000, 0, False)
    assert await shop.db.fetch_value("select sum(units) from sales_daily") == before + 4
    events = (await shop.admin("GET", f"/orders/{order['id']}/events")).json["items"]
    assert [event["to_status"] for event in events] == ["placed", "authorised", "packed", "paid", "shipped"]
    await shop.verify()


async def test_a_declined_card_gives_the_stock_back(shop: Any) -> None:
    [sku] = await shop.article(10)
    order = await _order(shop, sku, 2, payment_token="tok_declined")
    assert await shop.work() == []
    assert await _status(shop, order) == ("cancelled", "the card was declined")
    assert await shop.stock(sku) == (10, 0)
    assert await _books(shop, order) is None
    await shop.verify()


async def test_a_lost_answer_charges_once(shop: Any) -> None:
    [sku] = await shop.article(10, price_minor=700)
    order = await _order(shop, sku, payment_token="tok_timeout")
    said = await shop.work()
    assert [line.split(":")[0] for line in said] == ["PaymentTimeout"]
    assert await _status(shop, order) == ("shipped", None)
    assert await _books(shop, order) == (700, 700, 0, False)


async def test_a_provider_that_never_answers_undoes_the_order_and_leaves_a_dead_letter(shop: Any) -> None:
    from shop.resources import orders

    [sku] = await shop.article(10)
    order = await _order(shop, sku, 3, payment_token="tok_error")
    dead = (await orders.statistics()).dead
    said = await shop.work()
    assert said.count("PaymentError: the provider answers 500") == 5
    assert await _status(shop, order) == ("cancelled", "the payment provider did not answer")
    assert await shop.stock(sku) == (10, 0)
    assert (await orders.statistics()).dead == dead + 1
    await shop.verify()


async def test_goods_that_cannot_be_packed_free_stock_and_money(shop: Any) -> None:
    [sku] = await shop.article(10, price_minor=900)
    await shop.admin("PUT", "/failures/packing-error", {"value": "1"})
    order = await _order(shop, sku, 2)
    assert await shop.work() == []
    assert await _status(shop, order) == ("cancelled", "the goods were found damaged")
    assert await shop.stock(sku) == (10, 0)
    assert await _books(shop, order) == (1_800, 0, 0, True)
    await shop.verify()


async def test_a_capture_that_is_refused_brings_the_goods_back_from_sold(shop: Any) -> None:
    [sku] = await shop.article(10)
    order = await _order(shop, sku, 2)
    await _step(shop)
    await shop.db.execute(
        "update fake_payments set voided = true where idempotency_key = $1", f"order-{order['id']}"
    )
    await shop.work()
    assert (await _status(shop, order))[0] == "cancelled"
    assert await shop.stock(sku) == (10, 0)
    await shop.verify()


async def _step(shop: Any) -> None:
    """Handle exactly one message."""
    from shop.fulfilment import handle
    from shop.resources import orders

    [message] = await orders.receive(max_messages=1)
    await handle(message)
    await orders.acknowledge([message])


async def test_every_message_delivered_thrice_has_one_effect(shop: Any) -> None:
    from shop.fulfilment import handle
    from shop.resources import orders

    [sku] = await shop.article(10, price_minor=500)
    order = await _order(shop, sku, 2)
    for step in ("authorise", "fulfil", "authorise", "fulfil", "authorise", "fulfil"):
        await orders.send({"order": order["id"], "step": step}, lane="payment")
    assert await shop.work() == []
    assert await _status(shop, order) == ("shipped", None)
    assert await _books(shop, order) == (1_000, 1_000, 0, False)
    assert await shop.stock(sku) == (8, 0)
    assert handle is not None
    await shop.verify()


async def test_a_failing_provider_is_asked_again_until_it_answers(shop: Any) -> None:
    [sku] = await shop.article(10)
    await shop.admin("PUT", "/failures/payment-error", {"value": "1"})
    order = await _order(shop, sku)
    assert len(await shop.work(until_empty=2)) == 2
    await shop.admin("PUT", "/failures/payment-error", {"value": None})
    await shop.work()
    assert await _status(shop, order) == ("shipped", None)


@pytest.mark.parametrize("body", [b"", b"{}", b'{"order":"x","step":"authorise"}', b'{"step":"fly"}', b"\xff"])
async def test_what_is_no_message_is_a_dead_letter_at_once(shop: Any, body: bytes) -> None:
    from shop.resources import orders

    await orders.send(body, lane="payment")
    [said] = await shop.work()
    assert said.startswith("reject: not a message")


async def test_an_unknown_order_is_a_dead_letter_at_once(shop: Any) -> None:
    from shop.resources import orders

    await orders.send({"order": str(uuid.uuid4()), "step": "fulfil"}, lane="payment")
    [said] = await shop.work()
    assert said.startswith("reject: there is no order")


async def test_an_order_that_nobody_charged_in_time_gives_its_stock_back(shop: Any) -> None:
    from shop import order_book

    [sku] = await shop.article(10)
    late, young = await _order(shop, sku, 2), await _order(shop, sku, 1)
    await shop.db.execute(
        "update orders set reserved_until = now() - interval '1 second' where id = $1", uuid.UUID(late["id"])
    )
    await order_book.expire_reservations()
    assert (await _status(shop, late))[0] == "cancelled"
    assert await shop.stock(sku) == (10, 1)
    await shop.work()  # the authorisation that comes too late changes nothing
    assert (await _status(shop, late))[0] == "cancelled"
    assert await _status(shop, young) == ("shipped", None)
    await shop.verify()


async def test_a_payment_that_arrives_after_the_expiry_is_voided(
    shop: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from shop import fulfilment, order_book

    [sku] = await shop.article(10)
    order = await _order(shop, sku)
    authorise = fulfilment.provider.authorise

    async def slow(**given: Any) -> str:
        payment_id = await authorise(**given)
        await shop.db.execute(
            "update orders set reserved_until = now() - interval '1 s' where id = $1", uuid.UUID(order["id"])
        )
        await order_book.expire_reservations()
        return payment_id

    monkeypatch.setattr(type(fulfilment.provider), "authorise", staticmethod(slow))
    await shop.work()
    assert (await _status(shop, order))[0] == "cancelled"
    assert (await _books(shop, order) or ())[3] is True
    assert await shop.stock(sku) == (10, 0)


async def test_refunds_are_paid_once_and_never_more_than_the_order(shop: Any) -> None:
    [sku] = await shop.article(10, price_minor=1_000)
    order = await _order(shop, sku, 3)
    await shop.work()
    prefix = secrets.token_hex(4)

    def wanted(number: int, amount: int) -> dict[str, Any]:
        lines = [{"sku": sku, "quantity": 1, "amount_minor": amount}]
        return {"reference": f"{prefix}-{number}", "order_id": order["id"], "amount_minor": amount,
                "reason": "returned", "lines": lines}  # fmt: skip

    assert (await shop.admin("POST", "/refunds", wanted(1, 1_000))).status == 201
    assert (await shop.admin("POST", "/refunds", wanted(1, 1_000))).json["code"] == "refunded_already"
    assert (await shop.admin("POST", "/refunds", wanted(2, 2_001))).json["code"] == "not_refundable"
    await shop.work()
    assert await _books(shop, order) == (3_000, 3_000, 1_000, False)
    assert (await _status(shop, order))[0] == "shipped"
    assert (await shop.admin("POST", "/refunds", wanted(3, 2_000))).status == 201
    await shop.work()
    assert (await _status(shop, order))[0] == "refunded"
    assert await _books(shop, order) == (3_000, 3_000, 3_000, False)
    totals = (await shop.admin("GET", f"/totals?reference={prefix}-")).json
    assert (totals["refunds"], totals["refunded_minor"]) == (2, 3_000)


async def test_an_order_can_be_cancelled_until_it_is_paid(shop: Any) -> None:
    [sku] = await shop.article(10)
    first, second = await _order(shop, sku), await _order(shop, sku)
    assert (await shop.admin("POST", f"/orders/{first['id']}/cancel", {"reason": "changed mind"})).status == 200
    await shop.work()
    assert await _status(shop, first) == ("cancelled", "changed mind")
    refused = await shop.admin("POST", f"/orders/{second['id']}/cancel", {"reason": "too late"})
    assert (refused.status, refused.json["code"]) == (409, "not_cancellable")
    await shop.verify()
