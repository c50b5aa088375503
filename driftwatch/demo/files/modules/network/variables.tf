variable "name" {
  description = "Name of the VPC; other root modules look it up by this."
  type        = string
}

variable "cidr_block" {
  description = "Address range of the VPC."
  type        = string
}

variable "private_subnets" {
  description = "Address range of each private subnet, by availability zone."
  type        = map(string)
}
