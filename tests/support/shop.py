"""A shop, as several tests declare it: `orders` that arrive by the hour, days of them, and copies."""

from __future__ import annotations

from typing import Any


def shop(**parts: Any) -> dict[str, Any]:
    """The project ``shop`` on this machine, with these *parts*."""
    return {"project": {"name": "shop", "version": "1"}, "placement": {"provider": "local"}, **parts}


def arrive() -> dict[str, Any]:
    """The boundary of `orders`, every hour of which has a lot."""
    return {
        "type": "local:core:putListenerBoundary",
        "name": "arrive",
        "lotUnit": "Hours",
        "eventArrival": "frequent",
        "dataset": {"name": "orders", "version": "1", "pathURI": "orders/"},
    }


def daily() -> dict[str, Any]:
    """The barrier that makes a lot of `by-day` of each day of `orders`."""
    return {
        "type": "cls:core:rollupBarrier",
        "name": "day",
        "lotUnit": "Days",
        "sources": {"main": source("orders")},
        "dataset": {"name": "by-day", "version": "1"},
    }


def copy(name: str, of: str, to: str, **more: Any) -> dict[str, Any]:
    """An arc that copies the dataset *of* to the dataset *to*."""
    sinks = {"main": {"name": to, "version": "1", "pathURI": f"{to}/"}}
    return {"type": "cls:core:copyArc", "name": name, "sources": {"main": source(of)}, "sinks": sinks, **more}


def source(name: str) -> dict[str, Any]:
    """All history of a dataset."""
    return {"name": name, "version": "1", "start": "all"}
