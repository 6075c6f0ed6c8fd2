mock_provider "aws" {
  source          = "../testing"
  override_during = plan
}

variables {
  name        = "shop-prod-uptime"
  domain      = "shop.example.com"
  path        = "/health"
  account_id  = "123456789012"
  emails      = ["oncall@example.com"]
  runbook_url = "https://example.com/runbooks/uptime.md"
}

run "the_outside_asks_by_tls" {
  command = plan

  assert {
    condition     = aws_route53_health_check.this.type == "HTTPS" && aws_route53_health_check.this.port == 443 && aws_route53_health_check.this.enable_sni
    error_message = "the check sees what a browser sees, certificate included"
  }

  assert {
    condition     = aws_route53_health_check.this.request_interval == 30 && aws_route53_health_check.this.failure_threshold == 3
    error_message = "three failures in a row, half a minute apart"
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.this.treat_missing_data == "breaching" && aws_cloudwatch_metric_alarm.this.alarm_actions == toset([module.topics.topic_arn])
    error_message = "silence is a failure too"
  }

  assert {
    condition     = strcontains(aws_cloudwatch_metric_alarm.this.alarm_description, "https://shop.example.com/health") && strcontains(aws_cloudwatch_metric_alarm.this.alarm_description, var.runbook_url)
    error_message = "who is called reads what cannot be reached, and what to do"
  }
}

run "wrong_values_are_refused" {
  command = plan

  variables {
    name             = "shop uptime"
    domain           = "https://shop.example.com"
    path             = "health?deep=1"
    runbook_url      = "runbooks/uptime.md"
    interval_seconds = 60
  }

  expect_failures = [
    var.name, var.domain, var.path, var.runbook_url, var.interval_seconds,
  ]
}
