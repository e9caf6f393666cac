"""Networks whose code is the user's own, in torch."""
