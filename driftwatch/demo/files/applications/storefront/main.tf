resource "aws_dynamodb_table" "carts" {
  name           = "storefront-carts"
  billing_mode   = "PROVISIONED"
  read_capacity  = 5
  write_capacity = 5
  hash_key       = "CartId"

  attribute {
    name = "CartId"
    type = "S"
  }

  lifecycle {
    # Application Auto Scaling owns both.
    ignore_changes = [read_capacity, write_capacity]
  }
}

resource "aws_ssm_parameter" "payment_api_key" {
  name        = "/storefront/payment-api-key"
  description = "Key of the payment provider's API."
  type        = "SecureString"
  value       = var.payment_api_key
}

resource "aws_ssm_parameter" "feature_flags" {
  name           = "/storefront/feature-flags"
  description    = "Features that are on for everyone."
  type           = "String"
  insecure_value = "wishlist,express-checkout"
}

resource "aws_cloudwatch_log_group" "storefront" {
  name              = "/acme/storefront"
  retention_in_days = 90
}
