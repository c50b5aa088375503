module "network" {
  source = "../../modules/network"

  name       = "acme-shared"
  cidr_block = "10.20.0.0/16"

  private_subnets = {
    eu-central-1a = "10.20.0.0/20"
    eu-central-1b = "10.20.16.0/20"
    eu-central-1c = "10.20.32.0/20"
  }
}
