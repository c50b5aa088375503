variable "name" {
  description = "Name of the service, with its environment."
  type        = string
}

variable "vpc_id" {
  description = "ID of the VPC that the service runs in."
  type        = string
}

variable "ingress" {
  description = "Who may connect: one rule per entry."
  type = map(object({
    description = string
    port        = number
    cidr        = string
  }))
}

variable "log_retention_days" {
  description = "How long log events are kept."
  type        = number
  default     = 30
}
