"""animato web: the server of the page, for this machine alone unless told otherwise. Nothing is sent to or fetched from anywhere else."""

from __future__ import annotations

import errno
import os
import socket
import webbrowser
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib.util import find_spec

from animato.apps.console import note, say
from animato.apps.web.home import ending_in_order, home
from animato.apps.web.hosts import EVERYWHERE, own_names
from animato.apps.web.limits import Limits
from animato.apps.web.store import Store
from animato.core.errors import InputError, MissingModelError
from animato.core.leftovers import sweep
from animato.pose.estimator.models import missing_pose_models


@dataclass(frozen=True)
class Options:
    """How the page is served.

    host          the address to listen on; 0.0.0.0 for every address of this machine
    port          0 takes any free one
    open_browser  whether a browser is opened
    names         further hosts by which the server is called, where it is reached through another machine or a forwarded port
    upload        bytes, the largest file that can be handed in
    """

    host: str = "127.0.0.1"
    port: int = 7860
    open_browser: bool = True
    names: tuple[str, ...] = ()
    upload: int = Limits().upload


def serve(options: Options) -> None:
    """Serves the page until Ctrl-C, and removes all that visitors handed in and got when it ends.

    Raises InputError when the address cannot be had, MissingModelError when Gradio or the pose models are not there.
    """
    _check_ready()
    names = own_names(options.host, options.names)
    usual = Limits()
    visitor = max(usual.visitor, 4 * options.upload)
    limits = replace(usual, upload=options.upload, visitor=visitor, all=max(usual.all, 4 * visitor))
    with suppress(KeyboardInterrupt), listen(options.host, options.port) as listener, ending_in_order(), home() as folder:
        address = url(options.host, listener.getsockname()[1])
        for sentence in sweep(folder.parent):
            note(sentence)
        say(f"animato is at {address} (Ctrl-C stops it)")
        if options.host in EVERYWHERE:
            note("Everybody who reaches this machine can use the page: it has no password.")
        if options.open_browser:
            webbrowser.open(address)
        _run(listener, Store(folder, limits), names)
    say("Stopped.")


def _check_ready() -> None:
    if find_spec("gradio") is None:
        raise MissingModelError('The web page needs Gradio, which is not installed. Run: pip install "animato[web]"')
    if missing_pose_models():
        raise MissingModelError("The pose models are not on this machine. Run `animato fetch pose` once.")


def _run(listener: socket.socket, store: Store, names: frozenset[str]) -> None:
    """The page on a socket that listens already, so that a browser opened too early waits; ends with Ctrl-C."""
    os.environ |= {"GRADIO_TEMP_DIR": str(store.root), "GRADIO_ANALYTICS_ENABLED": "False"}  # read by Gradio when it is imported
    from animato.apps.web.app import server
    from animato.apps.web.session import Studio
    from animato.apps.web.visitors import Visitors

    studio = Studio(store)
    try:
        server(studio, Visitors(listener.getsockname()[1]), names).run(sockets=[listener])
    finally:
        studio.end()


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens on an address. Raises InputError."""
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
    except (OSError, OverflowError) as error:
        raise InputError(f"--host {host} is no address of this machine: use 127.0.0.1, or 0.0.0.0 to be reached from others.") from error
    try:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(where)
        listener.listen()
    except OSError as error:
        listener.close()
        raise InputError(_refusal(error, host, port)) from error
    return listener


def _refusal(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} is taken, perhaps by a page that still runs: stop it, or choose another one, such as --port {port + 1}."
    if error.errno == errno.EACCES:
        return f"You have no right to use port {port}: choose one above 1023, such as --port 7860."
    return f"--host {host} is no address of this machine: use 127.0.0.1, or 0.0.0.0 to be reached from others."


def url(host: str, port: int) -> str:
    """The address to type into a browser on this machine."""
    name = "127.0.0.1" if host in EVERYWHERE else f"[{host}]" if ":" in host else host
    return f"http://{name}:{port}/"
