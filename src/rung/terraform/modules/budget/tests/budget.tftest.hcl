mock_provider "aws" {
  source          = "../testing"
  override_during = plan
}

variables {
  name        = "shop-prod-budget"
  monthly_usd = 2000
  topic_arn   = "arn:aws:sns:eu-central-1:123456789012:shop-prod-alarms-ticket"
}

run "four_notices_come_before_it_is_too_late" {
  command = plan

  assert {
    condition = toset([for notice in aws_budgets_budget.this.notification : "${notice.notification_type} ${notice.threshold}"]) == toset([
      "ACTUAL 50", "ACTUAL 80", "ACTUAL 100", "FORECASTED 100",
    ])
    error_message = "at 50, 80 and 100 %, and when the forecast passes it"
  }

  assert {
    condition     = alltrue([for notice in aws_budgets_budget.this.notification : notice.subscriber_sns_topic_arns == toset([var.topic_arn])])
    error_message = "every notice goes to the topic"
  }

  assert {
    condition     = aws_budgets_budget.this.limit_amount == "2000.00" && length(aws_budgets_budget.this.cost_filter) == 0
    error_message = "the whole account, unless tags select"
  }
}

run "tags_select_what_is_counted" {
  command = plan

  variables {
    cost_tags = { workload = "shop" }
  }

  assert {
    condition     = one(aws_budgets_budget.this.cost_filter).values == tolist(["user:workload$shop"])
    error_message = "Budgets writes a tag as user:<name>$<value>"
  }
}

run "wrong_values_are_refused" {
  command = plan

  variables {
    name        = "shop:prod"
    monthly_usd = 0
  }

  expect_failures = [var.name, var.monthly_usd]
}
