mock_provider "aws" {
  source          = "../testing"
  override_during = plan
}

variables {
  name        = "shop-prod-orders-age"
  description = "Orders wait longer than promised"
  threshold   = 300
  topic_arn   = "arn:aws:sns:eu-central-1:123456789012:shop-prod-alarms-page"
  runbook_url = "https://example.com/runbooks/queue-age.md"

  metrics = [{
    namespace  = "AWS/SQS"
    name       = "ApproximateAgeOfOldestMessage"
    statistic  = "Maximum"
    dimensions = { QueueName = "shop-prod-orders" }
  }]
}

run "one_metric_is_watched_as_it_is" {
  command = plan

  assert {
    condition     = aws_cloudwatch_metric_alarm.this.statistic == "Maximum" && aws_cloudwatch_metric_alarm.this.extended_statistic == null && length(aws_cloudwatch_metric_alarm.this.metric_query) == 0
    error_message = "without an expression there is no metric math"
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.this.dimensions == tomap({ QueueName = "shop-prod-orders" }) && aws_cloudwatch_metric_alarm.this.comparison_operator == "GreaterThanThreshold"
    error_message = "the queue's own metric, above the threshold"
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.this.alarm_description == "[page] Orders wait longer than promised. Runbook: https://example.com/runbooks/queue-age.md"
    error_message = "who is called reads what is wrong and where it is written what to do"
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.this.period == 60 && aws_cloudwatch_metric_alarm.this.evaluation_periods == 3 && aws_cloudwatch_metric_alarm.this.datapoints_to_alarm == 2 && aws_cloudwatch_metric_alarm.this.treat_missing_data == "notBreaching"
    error_message = "two minutes of three, and silence is no failure"
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.this.alarm_actions == toset([var.topic_arn]) && aws_cloudwatch_metric_alarm.this.ok_actions == toset([var.topic_arn])
    error_message = "the end is told as well as the beginning"
  }
}

run "a_percentile_and_no_listener" {
  command = plan

  variables {
    topic_arn  = null
    comparison = "<="
    severity   = "ticket"
    missing    = "breaching"

    metrics = [{
      namespace = "AWS/ApplicationELB"
      name      = "TargetResponseTime"
      statistic = "p99.9"
    }]
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.this.extended_statistic == "p99.9" && aws_cloudwatch_metric_alarm.this.statistic == null
    error_message = "CloudWatch takes percentiles as another argument"
  }

  assert {
    condition     = length(coalesce(aws_cloudwatch_metric_alarm.this.alarm_actions, [])) == 0 && startswith(aws_cloudwatch_metric_alarm.this.alarm_description, "[ticket]")
    error_message = "an alarm that only rolls back tells nobody"
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.this.comparison_operator == "LessThanOrEqualToThreshold" && aws_cloudwatch_metric_alarm.this.treat_missing_data == "breaching"
    error_message = "a heartbeat that stops is a failure"
  }
}

run "a_rate_is_calculated" {
  command = plan

  variables {
    expression = "IF(requests > 0, 100 * errors / requests, 0)"

    metrics = [
      { id = "errors", namespace = "AWS/ApplicationELB", name = "HTTPCode_Target_5XX_Count", statistic = "Sum" },
      { id = "requests", namespace = "AWS/ApplicationELB", name = "RequestCount", statistic = "Sum" },
    ]
  }

  assert {
    condition     = toset([for query in aws_cloudwatch_metric_alarm.this.metric_query : query.id]) == toset(["errors", "requests", "result"])
    error_message = "both metrics and what is made of them"
  }

  assert {
    condition     = [for query in aws_cloudwatch_metric_alarm.this.metric_query : query.id if coalesce(query.return_data, false)] == ["result"]
    error_message = "CloudWatch compares the one value that is returned"
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.this.metric_name == null && aws_cloudwatch_metric_alarm.this.period == null
    error_message = "an alarm is a metric or metric math, not both"
  }
}

run "wrong_values_are_refused" {
  command = plan

  variables {
    name           = "orders age"
    metrics        = []
    runbook_url    = "runbooks/queue-age.md"
    description    = join("", [for index in range(601) : "x"])
    comparison     = "=="
    period_seconds = 45
    missing        = "ok"
    severity       = "info"
  }

  expect_failures = [
    var.name, var.metrics, var.runbook_url, var.description, var.comparison, var.period_seconds, var.missing, var.severity,
  ]
}

run "two_metrics_of_one_id_and_no_expression_are_refused" {
  command = plan

  variables {
    periods          = 0
    periods_to_alarm = 0

    metrics = [
      { namespace = "AWS/SQS", name = "NumberOfMessagesSent", statistic = "Sum" },
      { namespace = "AWS/SQS", name = "NumberOfMessagesDeleted", statistic = "Sum" },
    ]
  }

  expect_failures = [var.metrics, var.periods]
}

run "an_id_that_the_expression_has_is_refused" {
  command = plan

  variables {
    period_seconds   = 3600
    periods          = 200
    periods_to_alarm = 1

    metrics = [{ id = "result", namespace = "AWS/SQS", name = "NumberOfMessagesSent", statistic = "Sum" }]
  }

  expect_failures = [var.metrics, var.periods]
}

run "a_statistic_that_cloudwatch_does_not_know_is_refused" {
  command = plan

  variables {
    periods          = 3
    periods_to_alarm = 4

    metrics = [{ namespace = "AWS/SQS", name = "NumberOfMessagesSent", statistic = "Median" }]
  }

  expect_failures = [var.metrics, var.periods_to_alarm]
}

run "several_metrics_need_an_expression" {
  command = plan

  variables {
    metrics = [
      { id = "sent", namespace = "AWS/SQS", name = "NumberOfMessagesSent", statistic = "Sum" },
      { id = "deleted", namespace = "AWS/SQS", name = "NumberOfMessagesDeleted", statistic = "Sum" },
    ]
  }

  expect_failures = [var.expression]
}
