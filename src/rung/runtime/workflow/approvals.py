"""The page behind an approval's link, as an ASGI application that a service mounts.

    from rung.runtime.workflow.approvals import approvals
    app = Starlette(routes=[Mount("/approvals", approvals("onboarding"))])

A GET shows what is asked and changes nothing: mail scanners and link previews open every link. Only the POST of
one of the page's two buttons decides, once. Whoever has the link may decide, so the page says no more than the
names of workflow and question, is never stored, sends no referrer, and cannot be framed.
"""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from urllib.parse import parse_qs

from rung.errors import ApplicationError
from rung.runtime.bindings import WorkflowBinding, binding
from rung.runtime.http.asgi import ASGIApp, Receive, Scope, Send
from rung.runtime.log import logger
from rung.runtime.workflow.client import workflow
from rung.runtime.workflow.keys import approval_key
from rung.runtime.workflow.records import encode
from rung.runtime.workflow.store import ApprovalView, Store
from rung.runtime.workflow.tokens import hash_of, is_signed
from rung.runtime.workflow.waits import Approval

BODY_BYTES_MAX = 8_192
REMARK_CHARACTERS_MAX = 1_000
STYLE = (
    "body{font:1.1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:3rem auto;padding:0 1rem}"
    "label{display:block;margin-top:1rem}input,textarea{font:inherit;width:100%;box-sizing:border-box;padding:.5rem}"
    "button{font:inherit;padding:.6rem 1.4rem;margin:1.5rem 1rem 0 0;min-height:2.75rem}"
    ":focus-visible{outline:3px solid #1a56db;outline-offset:2px}"
    "@media(prefers-color-scheme:dark){body{background:#16181d;color:#eee}"
    "input,textarea,button{background:#262a33;color:#eee;border:1px solid #888}}"
)
POLICY = (
    b"default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = (
    (b"content-type", b"text/html; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-robots-tag", b"noindex"),
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", POLICY),
)  # fmt: skip

log = logger(__name__)


def approvals(name: str) -> ASGIApp:
    """The application for every approval that is kept beside the workflow `name`. Opens nothing before its use."""
    return Approvals(lambda: workflow(name).store, lambda: approval_key(binding(name, WorkflowBinding)))


class Approvals:
    """Answers `<wherever it is mounted>/<token>`: GET with a page, POST by deciding."""

    def __init__(self, store: Callable[[], Store], key: Callable[[], bytes]) -> None:
        self._store = store
        self._key = key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            raise ApplicationError("approvals answer HTTP requests only")
        method, token = str(scope["method"]), str(scope["path"]).rstrip("/").rpartition("/")[2]
        if method not in ("GET", "HEAD", "POST"):
            await _answer(send, 405, _page("Not like this", "<p>This address takes GET and POST.</p>"), method)
            return
        view = None if not is_signed(self._key(), token) else await self._store().approval(hash_of(token))
        if view is None:
            status, page = 404, _page("Unknown link", "<p>This link is not one of ours, or it is cut off.</p>")
        elif method == "POST":
            status, page = await self._decide(view, token, await _form(receive))
        else:
            status, page = 200, _question(view) if view.is_open else _closed(view)
        await _answer(send, status, page, method)

    async def _decide(self, view: ApprovalView, token: str, form: dict[str, str] | None) -> tuple[int, str]:
        decision = None if form is None else form.get("decision")
        if form is None or decision not in ("approve", "reject"):
            return 400, _page("Not understood", "<p>Please use one of the two buttons of the page.</p>")
        answer = Approval(
            approved=decision == "approve", by=form.get("by", "")[:200],
            remark=form.get("remark", "")[:REMARK_CHARACTERS_MAX],
        )  # fmt: skip
        payload = encode(answer, "the answer")
        if not await self._store().decide(hash_of(token), approved=answer.approved, payload=payload):
            latest = await self._store().approval(hash_of(token))
            return 409, _closed(latest or view)
        log.info("approval decided", workflow=view.workflow, run=view.run_id, approved=answer.approved)
        done = "approved" if answer.approved else "rejected"
        text = f"<p role='status'>{escape(view.name)} is {done}. You can close this page.</p>"
        return 200, _page("Thank you", text)


async def _form(receive: Receive) -> dict[str, str] | None:
    """The fields of a form; None when it is too large or no text."""
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > BODY_BYTES_MAX:
            return None
        if not message.get("more_body"):
            break
    try:
        fields = parse_qs(body.decode(), max_num_fields=10)
    except ValueError:
        return None
    return {name: values[-1] for name, values in fields.items()}


async def _answer(send: Send, status: int, page: str, method: str) -> None:
    body = page.encode()
    headers = [*HEADERS, (b"content-length", str(len(body)).encode())]
    if status == 405:
        headers.append((b"allow", b"GET, HEAD, POST"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if method == "HEAD" else body})


def _question(view: ApprovalView) -> str:
    until = view.expires_at.strftime("%d %B %Y, %H:%M UTC")
    return _page(
        f"Approve: {view.name}?",
        f"<p>The workflow <strong>{escape(view.workflow)}</strong> (run {escape(view.run_id)}) waits for you, "
        f"until {until}.</p>"
        "<form method='post'><label for='by'>Your name</label><input id='by' name='by' autocomplete='name'>"
        "<label for='remark'>Remark</label>"
        "<textarea id='remark' name='remark' rows='3' maxlength='1000'></textarea>"
        "<button name='decision' value='approve'>Approve</button>"
        "<button name='decision' value='reject'>Reject</button></form>",
    )


def _closed(view: ApprovalView) -> str:
    if view.approved is not None:
        what = "approved" if view.approved else "rejected"
        return _page("Already decided", f"<p role='status'>{escape(view.name)} was {what} already.</p>")
    return _page("Too late", f"<p role='status'>Nobody waits for an answer to {escape(view.name)} any more.</p>")


def _page(title: str, body: str) -> str:
    return (
        f"<!doctype html><html lang='en'><head><meta charset='utf-8'><title>{escape(title)}</title>"
        f"<meta name='viewport' content='width=device-width,initial-scale=1'><style>{STYLE}</style></head>"
        f"<body><main><h1>{escape(title)}</h1>{body}</main></body></html>"
    )
