variable "payment_api_key" {
  description = "Key of the payment provider's API; the pipeline passes it in."
  type        = string
  sensitive   = true
}
