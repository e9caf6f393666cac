"""Sweeps: packs are scheduled, trained and published. The only package that imports ray."""
