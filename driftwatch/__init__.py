"""Watches Terraform environments for drift, explains it, and proposes the fix."""
