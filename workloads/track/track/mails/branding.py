"""An organisation's branding around what its mails say."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape, unescape
from typing import Any

from track.mails.rendering import render, render_line
from track.problems import not_found
from track.resources import db

_TAG = re.compile(r"<(?:br|/p|/div|/h[1-6]|/li|/tr)\b[^>]*>", re.IGNORECASE)
_LINK = re.compile(r"<a\b[^>]*\bhref=\"([^\"]+)\"[^>]*>(.*?)</a>", re.IGNORECASE | re.DOTALL)
_REST = re.compile(r"<(?:style|script)\b.*?</(?:style|script)>|<[^>]+>", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Brand:
    """Who a mail comes from, and what it looks like."""

    tenant: str
    name: str
    sender_name: str
    sender_address: str
    reply_to: str
    accent: str
    logo_url: str
    postal_address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What somebody wrote, with names still to be filled in."""

    subject: str
    html: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """What one recipient reads."""

    subject: str
    html: str
    text: str


async def read() -> Brand:
    """The current organisation's."""
    row = await db.fetch_row(
        """select tenant_id as tenant, name, sender_name, sender_address, reply_to, accent, logo_url,
                  postal_address
             from organisations"""
    )
    if row is None:
        raise not_found("the organisation")
    return Brand(**dict(row))


def fill(written: Written, brand: Brand, variables: dict[str, Any], *, unsubscribe_url: str | None) -> Filled:
    """The mail for one recipient, in the branding. Raises Problem 422 when a variable is missing."""
    html = render(written.html, variables, escape=True)
    text = render(written.text, variables, escape=False) if written.text else text_of(html)
    return Filled(
        subject=render_line(written.subject, variables),
        html=_page(html, brand, unsubscribe_url),
        text="\n\n".join(filter(None, [text.strip(), _footer_text(brand, unsubscribe_url)])),
    )


def text_of(html: str) -> str:
    """HTML as plain text, for readers that show no HTML: links are kept, markup is not."""
    lined = _TAG.sub("\n", _LINK.sub(r"\2 (\1)", html))
    lines = [" ".join(line.split()) for line in unescape(_REST.sub("", lined)).splitlines()]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _page(html: str, brand: Brand, unsubscribe_url: str | None) -> str:
    logo = f'<img src="{escape(brand.logo_url)}" alt="{escape(brand.name)}" height="40">' if brand.logo_url else ""
    heading = logo or f"<strong>{escape(brand.name)}</strong>"
    link = f'<a href="{escape(unsubscribe_url)}">Unsubscribe</a>' if unsubscribe_url else ""
    footer = " &middot; ".join(filter(None, [escape(brand.name), escape(brand.postal_address), link]))
    return (
        '<!doctype html><html><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"></head>\n'
        '<body style="margin:0;background:#f4f5f7;font-family:system-ui,sans-serif;color:#1c1e21">\n'
        f'<div style="max-width:600px;margin:auto;background:#fff;border-top:4px solid {escape(brand.accent)}">\n'
        f'<div style="padding:20px 24px">{heading}</div>\n<div style="padding:0 24px 24px">\n{html}\n</div>\n'
        f'<div style="padding:16px 24px;font-size:12px;color:#5b6069">{footer}</div></div></body></html>'
    )


def _footer_text(brand: Brand, unsubscribe_url: str | None) -> str:
    lines = ["-- ", brand.name, brand.postal_address]
    return "\n".join([*filter(None, lines), *([f"Unsubscribe: {unsubscribe_url}"] if unsubscribe_url else [])])
