"""driftwatch.yaml and policies: from text to values that can be trusted."""
