"""Reading Terraform source: pure, text in, facts and places out."""
