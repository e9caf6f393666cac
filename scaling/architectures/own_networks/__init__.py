"""Specifications of networks whose code is the user's own."""
