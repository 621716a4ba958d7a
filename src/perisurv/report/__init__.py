"""Room of report."""
def render_report(*a): return "x"
def ring_picture(*a): return b"x"
