locals {
  # Half, four fifths, all of it; and as soon as the month is likely to pass it.
  notices = [
    { type = "ACTUAL", percent = 50 },
    { type = "ACTUAL", percent = 80 },
    { type = "ACTUAL", percent = 100 },
    { type = "FORECASTED", percent = 100 },
  ]
}

resource "aws_budgets_budget" "this" {
  name         = var.name
  budget_type  = "COST"
  time_unit    = "MONTHLY"
  limit_amount = format("%.2f", var.monthly_usd)
  limit_unit   = "USD"

  # Credits and refunds would hide what the system really costs.
  cost_types {
    include_credit = false
    include_refund = false
  }

  dynamic "cost_filter" {
    for_each = length(var.cost_tags) == 0 ? [] : [true]

    content {
      name   = "TagKeyValue"
      values = [for tag, value in var.cost_tags : format("user:%s$%s", tag, value)]
    }
  }

  dynamic "notification" {
    for_each = local.notices

    content {
      notification_type         = notification.value.type
      comparison_operator       = "GREATER_THAN"
      threshold                 = notification.value.percent
      threshold_type            = "PERCENTAGE"
      subscriber_sns_topic_arns = [var.topic_arn]
    }
  }
}
