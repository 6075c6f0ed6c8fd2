mock_provider "aws" {
  source          = "../testing"
  override_during = plan
}

variables {
  name                 = "shop-prod-availability"
  availability         = 0.999
  load_balancer_suffix = "app/shop-prod/0123456789abcdef"
  topic_arn            = "arn:aws:sns:eu-central-1:123456789012:shop-prod-alarms-page"
  runbook_url          = "https://example.com/runbooks/objective-burn.md"
}

run "each_burn_has_a_long_and_a_short_window" {
  command = plan

  assert {
    condition = { for window, alarm in aws_cloudwatch_metric_alarm.window : window => format("%.4f", alarm.threshold) } == {
      "budget-burn-24h" = "0.0030"
      "budget-burn-2h"  = "0.0030"
      "fast-burn-1h"    = "0.0144"
      "fast-burn-5m"    = "0.0144"
      "slow-burn-30m"   = "0.0060"
      "slow-burn-6h"    = "0.0060"
    }
    error_message = "14.4, 6 and 3 times what is allowed, over the windows of the SRE workbook"
  }

  assert {
    condition     = aws_cloudwatch_composite_alarm.burn["fast-burn"].alarm_rule == "ALARM(\"shop-prod-availability-fast-burn-1h\") AND ALARM(\"shop-prod-availability-fast-burn-5m\")"
    error_message = "it rings when it matters and still goes on"
  }

  assert {
    condition     = alltrue([for alarm in aws_cloudwatch_metric_alarm.window : length(coalesce(alarm.alarm_actions, [])) == 0 && alarm.treat_missing_data == "notBreaching"])
    error_message = "a window alone wakes nobody, nor does silence"
  }

  assert {
    condition = alltrue([
      for alarm in aws_cloudwatch_metric_alarm.window :
      [for query in alarm.metric_query : query.expression if coalesce(query.return_data, false)] == ["IF(requests >= 50, (FILL(target, 0) + FILL(balancer, 0)) / requests, 0)"]
    ])
    error_message = "failures of the targets and of the load balancer itself, and no rate of a handful of requests"
  }

  assert {
    condition     = output.fast_burn_alarm_name == "shop-prod-availability-fast-burn-5m" && output.alarm_names[0] == "shop-prod-availability-fast-burn"
    error_message = "deployments watch the quickest window, people hear of the pair"
  }

  assert {
    condition     = aws_cloudwatch_composite_alarm.burn["budget-burn"].alarm_actions == toset([var.topic_arn])
    error_message = "without a topic for tickets, the other is told"
  }
}

run "tickets_go_elsewhere" {
  command = plan

  variables {
    ticket_topic_arn = "arn:aws:sns:eu-central-1:123456789012:shop-prod-alarms-ticket"
  }

  assert {
    condition = { for burn, alarm in aws_cloudwatch_composite_alarm.burn : burn => one(alarm.alarm_actions) } == {
      fast-burn   = var.topic_arn
      slow-burn   = var.topic_arn
      budget-burn = var.ticket_topic_arn
    }
    error_message = "nobody gets up for a slow burn of ten days"
  }
}

run "wrong_values_are_refused" {
  command = plan

  variables {
    name                 = "shop availability"
    availability         = 99.9
    load_balancer_suffix = "shop-prod"
    runbook_url          = "runbooks/objective-burn.md"
    minimum_requests     = 0
  }

  expect_failures = [
    var.name, var.availability, var.load_balancer_suffix, var.runbook_url, var.minimum_requests,
  ]
}
