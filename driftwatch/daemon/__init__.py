"""What runs on its own: a clock, a queue of checks, an outbox."""
