terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.0"
    }
  }
  backend "local" {}
}

provider "aws" {
  skip_credentials_validation = true
  skip_requesting_account_id  = true
  default_tags {
    tags = { env = "prod" }
  }
}

variable "token" {
  default   = "token-of-the-truth-table"
  sensitive = true
}

locals {
  # A merged change that nobody applied makes 60 of it.
  retention = 30
}

# In sync: nobody touches these.

resource "aws_s3_bucket" "still" {
  bucket = "truth-table-still"
}

resource "aws_s3_bucket_versioning" "still" {
  bucket = aws_s3_bucket.still.id
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_iam_role_policy" "reformatted" {
  role = aws_iam_role.app.name
  name = "reformatted"
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["s3:GetObject", "s3:PutObject"]
      Resource = "*"
    }]
  })
}

# Drift: an apply would undo what somebody did.

resource "aws_vpc" "main" {
  cidr_block = "10.0.0.0/16"
  tags = {
    Name  = "main"
    Owner = "platform"
  }
}

module "logs" {
  source = "../modules/logs"
  name   = "drift"
}

resource "aws_cloudwatch_log_group" "gone" {
  name = "gone"
}

resource "aws_iam_role_policy" "widened" {
  role = aws_iam_role.app.name
  name = "widened"
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "s3:GetObject", Resource = "*" }]
  })
}

resource "aws_ssm_parameter" "secret" {
  name  = "/secret"
  type  = "SecureString"
  value = "hunter2-original"
}

resource "aws_cloudwatch_log_group" "tagged" {
  name = "tagged"
  tags = { token = var.token }
}

# Pending, codified, conflict, ignored: the four others that have a name.

resource "aws_cloudwatch_log_group" "pending" {
  name              = "pending"
  retention_in_days = local.retention
}

resource "aws_cloudwatch_log_group" "codified" {
  name              = "codified"
  retention_in_days = local.retention
}

resource "aws_cloudwatch_log_group" "conflict" {
  name              = "conflict"
  retention_in_days = local.retention
}

resource "aws_cloudwatch_log_group" "ignored" {
  name              = "ignored"
  retention_in_days = 30
  lifecycle {
    ignore_changes = [retention_in_days]
  }
}

# Unknown: only an apply knows what code wants.

resource "aws_ssm_parameter" "unknown" {
  name        = "/unknown"
  type        = "String"
  value       = "plain"
  description = "Follows version ${aws_ssm_parameter.secret.version}."
}

# Undeclared: a full plan says "No changes".

resource "aws_security_group" "web" {
  name   = "web"
  vpc_id = aws_vpc.main.id
}

resource "aws_vpc_security_group_ingress_rule" "https" {
  security_group_id = aws_security_group.web.id
  cidr_ipv4         = "10.0.0.0/8"
  from_port         = 443
  to_port           = 443
  ip_protocol       = "tcp"
}

resource "aws_vpc_security_group_ingress_rule" "http" {
  security_group_id = aws_security_group.web.id
  cidr_ipv4         = "10.0.0.0/8"
  from_port         = 80
  to_port           = 80
  ip_protocol       = "tcp"
}

resource "aws_iam_role" "app" {
  name = "app"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "ec2.amazonaws.com" }
    }]
  })
}

# Moved: the name changes with the merged change.

resource "aws_cloudwatch_log_group" "old" {
  name = "moved"
}

output "follows_reality" {
  value = aws_cloudwatch_log_group.ignored.retention_in_days
}

output "follows_code" {
  value = aws_cloudwatch_log_group.pending.retention_in_days
}

check "retention" {
  assert {
    condition     = aws_cloudwatch_log_group.ignored.retention_in_days >= 30
    error_message = "Logs must be kept for 30 days."
  }
}
