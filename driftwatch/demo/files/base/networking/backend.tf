terraform {
  backend "s3" {
    bucket         = "acme-terraform-state"
    key            = "base/networking/terraform.tfstate"
    region         = "eu-central-1"
    use_path_style = true
  }
}
