locals {
  operators = {
    ">"  = "GreaterThanThreshold"
    ">=" = "GreaterThanOrEqualToThreshold"
    "<"  = "LessThanThreshold"
    "<=" = "LessThanOrEqualToThreshold"
  }

  plain_statistics = ["Average", "Maximum", "Minimum", "SampleCount", "Sum"]

  # The only metric itself; null when metric math makes one value of several.
  metric = var.expression == null ? var.metrics[0] : null
  plain  = var.expression == null ? contains(local.plain_statistics, var.metrics[0].statistic) : false
}

resource "aws_cloudwatch_metric_alarm" "this" {
  alarm_name        = var.name
  alarm_description = "[${var.severity}] ${var.description}. Runbook: ${var.runbook_url}"

  comparison_operator = local.operators[var.comparison]
  threshold           = var.threshold
  evaluation_periods  = var.periods
  datapoints_to_alarm = var.periods_to_alarm
  treat_missing_data  = var.missing

  alarm_actions = var.topic_arn[*]
  ok_actions    = var.topic_arn[*]

  namespace          = try(local.metric.namespace, null)
  metric_name        = try(local.metric.name, null)
  dimensions         = try(local.metric.dimensions, null)
  period             = local.metric == null ? null : var.period_seconds
  statistic          = local.plain ? local.metric.statistic : null
  extended_statistic = local.plain ? null : try(local.metric.statistic, null)

  dynamic "metric_query" {
    for_each = var.expression == null ? [] : var.metrics

    content {
      id = metric_query.value.id

      metric {
        namespace   = metric_query.value.namespace
        metric_name = metric_query.value.name
        stat        = metric_query.value.statistic
        dimensions  = metric_query.value.dimensions
        period      = var.period_seconds
      }
    }
  }

  dynamic "metric_query" {
    for_each = var.expression[*]

    content {
      id          = "result"
      expression  = metric_query.value
      label       = var.name
      return_data = true
    }
  }
}
