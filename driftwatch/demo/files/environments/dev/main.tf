data "aws_vpc" "shared" {
  tags = {
    Name = "acme-shared"
  }
}

locals {
  services = {
    api = {
      log_retention_days = 30
      ingress = {
        https   = { description = "Load balancer", port = 443, cidr = "10.20.0.0/16" }
        metrics = { description = "Prometheus", port = 9090, cidr = "10.20.32.0/20" }
      }
    }
  }
}

module "service" {
  source   = "../../modules/web-service"
  for_each = local.services

  name               = "dev-${each.key}"
  vpc_id             = data.aws_vpc.shared.id
  ingress            = each.value.ingress
  log_retention_days = each.value.log_retention_days
}

resource "aws_sns_topic" "alerts" {
  name         = "dev-alerts"
  display_name = "Alerts of dev"

  tags = {
    Owner = "platform"
  }
}

resource "aws_cloudwatch_metric_alarm" "latency" {
  alarm_name          = "dev-api-latency"
  alarm_description   = "Customers wait: 95 of 100 answers of the API should be faster."
  namespace           = "Acme/Api"
  metric_name         = "LatencyMilliseconds"
  extended_statistic  = "p95"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 500
  period              = 60
  evaluation_periods  = 5
  alarm_actions       = [aws_sns_topic.alerts.arn]
}
