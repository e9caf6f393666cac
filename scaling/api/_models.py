"""Catalogue of networks, with their counts beside published counts."""

from __future__ import annotations

from scaling.architectures import CatalogueEntry, registered


def list_models() -> list[CatalogueEntry]:
    """Return the catalogue of networks, with published counts and with relatives of these networks."""
    return [entry for spec in registered() for entry in spec.catalogue()]
