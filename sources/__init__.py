"""The venues, one module each: a module here that has a SOURCE is one, and nothing else is."""
