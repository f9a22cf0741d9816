"""What every answer of the web page tells the browser: which things it may do with it, and whose it is."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import Message, Send

# Gradio's page holds scripts and styles of its own and makes functions out of text. All else comes from here, and nothing goes elsewhere.
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "media-src 'self' data: blob:; font-src 'self' data:; worker-src 'self' blob:; object-src 'none'; base-uri 'self'; form-action 'self'; "
    "frame-ancestors 'none'"
)
ALWAYS = {
    "X-Content-Type-Options": "nosniff",  # a file is what it is sent as
    "Referrer-Policy": "same-origin",  # names of files go nowhere
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Content-Security-Policy": POLICY,
}


def told(send: Send, cookie: str | None) -> Send:
    """Answers with these headers, those that an answer has already left as they are, and with a cookie for a new visitor."""

    async def tell(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in ALWAYS.items():
                headers.setdefault(name, value)
            headers.setdefault("Cache-Control", "private, no-cache")
            if cookie:
                headers.append("Set-Cookie", cookie)
                headers["Cache-Control"] = "no-store"
        await send(message)

    return tell
