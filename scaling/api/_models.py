"""Catalogue of networks, with their counts beside published counts."""

from __future__ import annotations

from scaling.architectures import CatalogueEntry, registered


def list_models() -> list[CatalogueEntry]:
    """Return the networks of all registered architectures that have published counts, and relatives of these networks."""
    return [entry for spec in registered() for entry in spec.catalogue()]
