locals {
  buckets = {
    access-logs = "Access logs of the load balancers"
    invoices    = "Invoices that customers download"
  }
}

module "bucket" {
  source   = "../../modules/bucket"
  for_each = local.buckets

  name    = "acme-${each.key}"
  purpose = each.value
}

resource "aws_ecr_repository" "service" {
  for_each = toset(["api", "checkout"])

  name                 = "acme/${each.key}"
  image_tag_mutability = "IMMUTABLE"
}
