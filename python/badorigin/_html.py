"""How notebooks show things."""
from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from . import _core

if TYPE_CHECKING:
    from ._capture import Capture
    from ._results import Result
    from ._scenario import Scenario

COLOURS = {"upheld": "#1a7f37", "violated": "#cf222e", "inconclusive": "#9a6700", "error": "#cf222e", "not_applicable": "#57606a"}
SHOWN = 50


def _pre(text: str) -> str:
    return f"<pre style='text-align:left'>{escape(text)}</pre>"


def _outcome(word: str) -> str:
    return f"<b style='color:{COLOURS.get(word, 'inherit')}'>{escape(word)}</b>"


def _table(head: list[str], rows: list[list[str]]) -> str:
    top = "".join(f"<th>{escape(name)}</th>" for name in head)
    return f"<table><tr>{top}</tr>" + "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows) + "</table>"


def scenario(of: Scenario) -> str:
    """The claim, and the file below it."""
    return f"<b>{escape(of.claim)}</b> <small>{escape(of.id)}</small>{_pre(of._yaml())}"


def finding(of: _core.Finding) -> str:
    """One line, and what it cites."""
    cited = "".join(f"<li>{escape(one)}</li>" for one in of.citations)
    return f"{_outcome(of.outcome)} {escape(of.claim)} {escape(of.subject)}: {escape(of.message)}<ul>{cited}</ul>"


def result(of: Result) -> str:
    """What was not upheld, and the wire."""
    rows = [[_outcome(f.outcome), escape(f.claim), escape(f.subject), escape(f.message)] for f in of.not_upheld()]
    upheld = sum(f.outcome == "upheld" for f in of)
    shown = _table(["outcome", "claim", "step", "what"], rows) if rows else ""
    return (f"{_outcome(of.outcome)} {escape(of.scenario)} on {escape(of.proxy)}: {upheld} claims upheld {escape(of.reason)}{shown}"
            + "".join(_pre(one) for one in of.wire))


def transaction(of: _core.Transaction) -> str:
    """The client's exchange and what origins were asked for it."""
    parts = [("client", of.client)] if of.client else []
    parts += [(f"fetch {i}, attempt {k}", one) for i, fetch in enumerate(of.fetches, 1) for k, one in enumerate(fetch.attempts, 1)]
    return _table(["leg", "on the wire"], [[escape(name), _pre(one.wire)] for name, one in parts])


def exchange(of: _core.Exchange) -> str:
    """As it stood on the wire."""
    return _pre(of.wire)


def capture(of: Capture) -> str:
    """The first transactions."""
    rows = []
    for one in of[:SHOWN]:
        asked = one.client or (one.fetches[0].attempts[0] if one.fetches and one.fetches[0].attempts else None)
        if asked is None or asked.request is None:
            continue
        answer = asked.response.status if asked.response else "none"
        attempts = sum(len(fetch.attempts) for fetch in one.fetches)
        rows.append(["client" if one.client else "origin", escape(f"{asked.request.method} {asked.request.target}"), str(answer), str(attempts)])
    more = f"<p>and {len(of) - SHOWN} more</p>" if len(of) > SHOWN else ""
    return _table(["leg", "request", "status", "attempts at origins"], rows) + more


def install() -> None:
    """Gives the classes of the core the method that notebooks ask for."""
    for kind, shown in ((_core.Finding, finding), (_core.Transaction, transaction), (_core.Exchange, exchange)):
        setattr(kind, "_repr_html_", shown)
