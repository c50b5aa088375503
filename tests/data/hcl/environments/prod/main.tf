# The service in production: every form that the reader must understand.
terraform {
  required_version = ">= 1.5"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.0"
    }
    null = "3.2.0"
  }

  backend "s3" {
    bucket = "state"
  }
}

provider "aws" {
  region = var.region
}

variable "region" {
  default = "eu-west-1"
}

module "service" {
  for_each = toset(["blue", "green.v2"])
  source   = "../../modules/service"
  name     = each.key
}

module "vpc" {
  source  = "terraform-aws-modules/vpc/aws"
  version = "5.1.0"
}

module "private" {
  source = "git::https://robot:s3cret@git.example.com/modules.git//vpc?ref=v1"
}

module "escape" {
  source = "../../../elsewhere"
}

module "missing" {
  source = "./not-there"
}

resource "aws_s3_bucket" "logs" {
  bucket = "acme-logs" # resource "aws_s3_bucket" "decoy" {
  policy = <<-JSON
    {
      "Statement": "resource \"aws_s3_bucket\" \"inside\" {"
    }
  JSON

  tags = {
    Name                = "logs"
    "kubernetes.io/own" = "yes"
    /* Owner = "nobody" */
    Count : 3
    Gone = null
  }

  versioning_configuration {
    status = "Enabled"
  }

  lifecycle {
    prevent_destroy = true
    ignore_changes = [
      acl, # set by the organisation
      tags["Team"],
      tags.CostCenter,
      "lifecycle_rule",
      grant[0].permissions,
      website.0.error_document,
    ]
  }
}

resource "aws_security_group" "web" {
  name = "web"

  ingress {
    from_port   = 80
    description = "http"
  }

  ingress { from_port = 443 }

  dynamic "egress" {
    for_each = var.region == "eu-west-1" ? [1] : []
    content {
      from_port = egress.value
      dynamic "deep" {
        for_each = [1]
        content {
          name = "x"
        }
      }
    }
  }

  tags = merge(local.common, {
    Name = "web"
  })
}

resource "aws_instance" "app" {
  count = 2
  ami   = data.aws_ami.base.id
  tags  = { (var.region) = "here", Name = "app-${count.index}" }
  ports = [
    80,
    443,
  ]
  rules = [
    { port = 1, label = "a" },
    { port = 2 },
  ]
  none = null

  lifecycle {
    ignore_changes = all
  }
}

data "aws_ami" "base" {
  owners = ["self"]
}

check "health" {
  data "http" "ping" {
    url = "https://example.com"
  }

  assert {
    condition     = data.http.ping.status_code == 200
    error_message = "down"
  }
}

output "endpoint" {
  value = {
    host = "example.com"
    port = 443
  }
}
