variable "name" {}

module "queue" {
  count  = 1
  source = "./queue"
  name   = var.name
}

resource "aws_ecs_service" "this" {
  name          = var.name
  desired_count = 2

  lifecycle {
    ignore_changes = [desired_count]
  }
}
