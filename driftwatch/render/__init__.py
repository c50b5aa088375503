"""How a report looks: pure, report in, text out."""
