"""How good the candles are: what is missing, whose they are, what is odd about them."""
