"""What people and machines open: the dashboard, the JSON API, metrics and push webhooks."""
