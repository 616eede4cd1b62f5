"""How notebooks show what the core does not show itself (reports/html.cpp)."""
from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from . import _core

if TYPE_CHECKING:
    from ._capture import Capture
    from ._scenario import Scenario

SHOWN = 50


def scenario(of: Scenario) -> str:
    """The claim, and the file below it."""
    return f"<b>{escape(of.claim)}</b> <small>{escape(of.id)}</small><pre>{escape(of._yaml())}</pre>"


def transaction(of: _core.Transaction) -> str:
    """The client's exchange and what origins were asked for it."""
    parts = [("client", of.client)] if of.client else []
    parts += [(f"fetch {i}, attempt {k}", one) for i, fetch in enumerate(of.fetches, 1) for k, one in enumerate(fetch.attempts, 1)]
    return "".join(f"<b>{name}</b>{one._repr_html_()}" for name, one in parts)


def capture(of: Capture) -> str:
    """The first transactions."""
    rows = "".join(_row(one) for one in of[:SHOWN])
    more = f"<p>and {len(of) - SHOWN} more</p>" if len(of) > SHOWN else ""
    return f"<table><tr><th>leg</th><th>request</th><th>status</th><th>attempts at origins</th></tr>{rows}</table>{more}"


def _row(of: _core.Transaction) -> str:
    attempts = [one for fetch in of.fetches for one in fetch.attempts]
    asked = of.client or attempts[0]
    request = f"{asked.request.method} {asked.request.target}" if asked.request else "not seen"
    cells = ("client" if of.client else "origin", request, str(asked.response.status) if asked.response else "none", str(len(attempts)))
    return "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"


setattr(_core.Transaction, "_repr_html_", transaction)
