locals {
  budget = 1 - var.availability

  # How many times faster than allowed the budget is spent; a long window says that it matters, a short one that it
  # still goes on. Factors and windows: Google, The Site Reliability Workbook, chapter 5. CloudWatch looks back one
  # day at most, hence 3x over a day for the ticket and not 1x over three.
  burns = {
    fast-burn = {
      factor  = 14.4
      windows = { "1h" = 3600, "5m" = 300 }
      topic   = var.topic_arn
      meaning = "[page] At this rate the errors of 30 days are used up in 2 days"
    }
    slow-burn = {
      factor  = 6
      windows = { "6h" = 21600, "30m" = 1800 }
      topic   = var.topic_arn
      meaning = "[page] At this rate the errors of 30 days are used up in 5 days"
    }
    budget-burn = {
      factor  = 3
      windows = { "24h" = 86400, "2h" = 7200 }
      topic   = coalesce(var.ticket_topic_arn, var.topic_arn)
      meaning = "[ticket] At this rate the errors of 30 days are used up in 10 days"
    }
  }

  windows = merge([for burn, each in local.burns : {
    for window, seconds in each.windows : "${burn}-${window}" => {
      threshold = each.factor * local.budget
      seconds   = seconds
      label     = "more than ${each.factor} times the allowed share of requests failed in ${window}"
    }
  }]...)

  counts = {
    requests = "RequestCount"
    target   = "HTTPCode_Target_5XX_Count"
    balancer = "HTTPCode_ELB_5XX_Count"
  }
}

# One alarm per window, without a listener: each alone says too little.
resource "aws_cloudwatch_metric_alarm" "window" {
  for_each = local.windows

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = "Half of a pair: ${each.value.label}. Runbook: ${var.runbook_url}"
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.threshold
  evaluation_periods  = 1
  datapoints_to_alarm = 1
  treat_missing_data  = "notBreaching"

  dynamic "metric_query" {
    for_each = local.counts

    content {
      id = metric_query.key

      metric {
        namespace   = "AWS/ApplicationELB"
        metric_name = metric_query.value
        stat        = "Sum"
        period      = each.value.seconds
        dimensions  = { LoadBalancer = var.load_balancer_suffix }
      }
    }
  }

  metric_query {
    id          = "failed"
    label       = "Share of requests that failed"
    expression  = "IF(requests >= ${var.minimum_requests}, (FILL(target, 0) + FILL(balancer, 0)) / requests, 0)"
    return_data = true
  }
}

resource "aws_cloudwatch_composite_alarm" "burn" {
  for_each = local.burns

  alarm_name        = "${var.name}-${each.key}"
  alarm_description = "${each.value.meaning}. Runbook: ${var.runbook_url}"
  alarm_actions     = [each.value.topic]
  ok_actions        = [each.value.topic]

  alarm_rule = join(" AND ", [
    for window in sort(keys(each.value.windows)) :
    "ALARM(\"${aws_cloudwatch_metric_alarm.window["${each.key}-${window}"].alarm_name}\")"
  ])
}
