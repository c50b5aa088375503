"""The embedded world that `driftwatch demo` starts."""
