"""Where driftwatch touches the world: one file per outside system."""
