"""The web page put together: fields, events, looks, and the server that runs it."""

from __future__ import annotations

import asyncio
import logging
from socket import socket
from typing import Any

import gradio as gr
import uvicorn
from fastapi import FastAPI
from gradio.routes import App
from starlette.routing import Mount

from animato.apps.web.calls import SHIPPED, Event, Field
from animato.apps.web.door import Door, Page
from animato.apps.web.events import Events
from animato.apps.web.files import Files
from animato.apps.web.page import buttons, inputs, outputs, settings
from animato.apps.web.session import Studio
from animato.apps.web.text import HEAD
from animato.apps.web.visitors import Visitors
from animato.people.shipped import ASSETS

FONTS = ("system-ui", "sans-serif")
SWEEP = 36_000  # of uvicorn's ticks of a tenth of a second: once an hour


def build(studio: Studio) -> gr.Blocks:
    """The page with everything connected."""
    with gr.Blocks(title="animato", analytics_enabled=False) as page:
        gr.HTML(HEAD)
        with gr.Row(elem_id="desk"):
            with gr.Column(scale=6, min_width=320):
                fields = inputs()
                options = settings()
                pressed = buttons()
            with gr.Column(scale=5, min_width=320):
                shown = outputs()
        Events(studio, fields, options, pressed, shown).connect()
    return page


def events_of(page: gr.Blocks) -> dict[int, Event]:
    """What each event of a page takes, by its number, for the door; some happen in the browser alone."""
    return {
        number: Event(tuple(_field(one) for one in function.inputs), any(name == "select" for _, name in function.targets))
        for number, function in page.fns.items()
        if function.fn is not None
    }


def _field(component: Any) -> Field:
    if component.stateful:
        return Field.KEPT
    return Field.WORD if getattr(component, "data_model", None) is None else Field.FILE


def server(studio: Studio, visitors: Visitors, names: frozenset[str]) -> uvicorn.Server:
    """A server of the page, ready to run; `names` are the hosts that it is (hosts.own_names)."""
    page = build(studio)
    page.queue(max_size=studio.store.limits.waiting)
    shown = frozenset(path for path in studio.store.root.rglob("*") if path.is_file())  # Gradio's copies of what the page begins with
    theme = gr.themes.Default(primary_hue="indigo", font=FONTS, font_mono=("ui-monospace", "monospace"))
    application = gr.mount_gradio_app(
        FastAPI(docs_url=None, redoc_url=None, openapi_url=None),
        page,
        path="/",
        allowed_paths=[str(folder) for folder in SHIPPED],
        max_file_size=studio.store.limits.upload,
        footer_links=[],
        run_history=False,
        enable_monitoring=False,
        ssr_mode=False,
        mcp_server=False,
        show_error=False,
        theme=theme,
        css=(ASSETS / "web" / "page.css").read_text("utf-8"),
    )
    page.has_launched = True  # Gradio, too, takes only files that were handed in; a mounted page it would not check
    known = Page(events_of(page), lambda session: session in page._queue.pending_messages_per_session)
    return _Server(application, Door(application, Files(studio.store, shown), known, visitors, names), studio)


class _Server(uvicorn.Server):
    """Ends what goes on before it waits for connections to close: the visitors' work, and all answers that are being given."""

    def __init__(self, application: FastAPI, door: Door, studio: Studio) -> None:
        limits = studio.store.limits
        super().__init__(
            uvicorn.Config(
                door, log_level="error", ws="none", proxy_headers=False, server_header=False, limit_concurrency=limits.connections
            )
        )
        logging.getLogger("python_multipart").setLevel(logging.CRITICAL)  # who sends an odd form is told so; the terminal is not
        self._application = application
        self._door = door
        self._studio = studio

    async def on_tick(self, counter: int) -> bool:
        if counter % SWEEP == SWEEP - 1:
            await asyncio.to_thread(self._studio.store.sweep)
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        self._studio.stop()
        for route in self._application.routes:
            if isinstance(route, Mount) and isinstance(route.app, App):
                route.app.stop_event.set()
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # an answer that is cut off here is no error
        self._door.close()
        await super().shutdown(sockets)
