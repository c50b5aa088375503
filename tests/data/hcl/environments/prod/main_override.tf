resource "aws_security_group" "web" {
  name = "web-overridden"

  dynamic "egress" {
    for_each = []
    content {
      to_port = 1
    }
  }

  lifecycle {
    ignore_changes = [description]
  }
}
