"""What is special about heat: how counts become grey."""

from edge.thermal.normalise import DEFAULT_8BIT, DEFAULT_16BIT, Normaliser, NormaliseSpec, normalise

__all__ = ["DEFAULT_8BIT", "DEFAULT_16BIT", "NormaliseSpec", "Normaliser", "normalise"]
