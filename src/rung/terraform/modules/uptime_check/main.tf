# Checkers on three continents ask; three failures in a row of most of them mean that people cannot reach it.
resource "aws_route53_health_check" "this" {
  type              = "HTTPS"
  fqdn              = var.domain
  port              = 443
  resource_path     = var.path
  request_interval  = var.interval_seconds
  failure_threshold = 3
  enable_sni        = true
  measure_latency   = true

  # A health check has no name of its own; the console shows this tag.
  tags = { Name = var.name }
}

# Silence is a failure too: an outage of the check must not look like health.
resource "aws_cloudwatch_metric_alarm" "this" {
  alarm_name          = var.name
  alarm_description   = "[page] https://${var.domain}${var.path} cannot be reached from outside. Runbook: ${var.runbook_url}"
  namespace           = "AWS/Route53"
  metric_name         = "HealthCheckStatus"
  statistic           = "Minimum"
  dimensions          = { HealthCheckId = aws_route53_health_check.this.id }
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  period              = 60
  evaluation_periods  = 2
  datapoints_to_alarm = 2
  treat_missing_data  = "breaching"
  alarm_actions       = [module.topics.topic_arn]
  ok_actions          = [module.topics.topic_arn]
}

# Route 53 keeps its metrics in us-east-1 alone, and an alarm publishes only to topics of its own region.
module "topics" {
  source = "../notification"

  name       = "${var.name}-alarms"
  account_id = var.account_id
  own_key    = true
  emails     = var.emails
  phones     = var.phones
  slack      = var.slack
}
