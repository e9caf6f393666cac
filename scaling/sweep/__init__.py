"""Sweeps: packs are placed, trained and published. The only room that imports ray."""
