variable "name" {
  description = "Name of the bucket, unique in the world."
  type        = string
}

variable "purpose" {
  description = "What the bucket is for, in a few words."
  type        = string
}
