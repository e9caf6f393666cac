"""The networks of 1988 to 1998 that the studies stand on, exact to the parameter."""
