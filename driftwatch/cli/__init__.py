"""What people type: a file per command, each a thin layer over the pipeline."""
