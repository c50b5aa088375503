variable "name" {}

resource "aws_sqs_queue" "this" {
  for_each = toset(["a"])
  name     = "${var.name}-${each.key}"
}

# A module that calls itself must not hang the reader.
module "loop" {
  source = "../queue"
}
