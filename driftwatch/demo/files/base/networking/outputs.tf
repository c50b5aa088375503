output "vpc_id" {
  description = "ID of the shared VPC."
  value       = module.network.vpc_id
}

output "private_subnet_ids" {
  description = "IDs of the private subnets, by availability zone."
  value       = module.network.private_subnet_ids
}
