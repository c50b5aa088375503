terraform {
  required_version = ">= 1.6"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.0"
    }
  }
}

provider "aws" {
  region            = "eu-central-1"
  s3_use_path_style = true

  default_tags {
    tags = {
      Environment = "shared"
      ManagedBy   = "terraform"
    }
  }
}
