"""Colours of all figures, safe for the colour-blind."""

__all__ = ["BLUE", "GREEN", "GREY", "INK", "LIGHT", "ORANGE", "PINK", "RINGS", "SOFT", "TAKEN"]

# Okabe and Ito.
BLUE = "#0072b2"
ORANGE = "#d55e00"
GREEN = "#009e73"
PINK = "#cc79a7"
# Tumour, then rings by width.
RINGS = (ORANGE, "#f0e442", "#56b4e9", PINK, GREEN, "#e69f00")
# What rings lost, by cause: filled, and none of the colours of the first three rings.
TAKEN = (GREEN, "#ffffff", "#b2182b", "#1f2933", "#999933", "#332288")
INK = "#1f2933"
SOFT = "#52606d"
GREY = "#8795a1"
LIGHT = "#d9e2ec"
