"""perisurv: overall survival of lung-cancer patients from a CT, a tumour contour and follow-up."""

__version__ = "0.1.0"
