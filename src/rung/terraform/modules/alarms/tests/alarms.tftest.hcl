mock_provider "aws" {
  source          = "../testing"
  override_during = plan
}

variables {
  name         = "shop-prod"
  runbooks_url = "https://example.com/runbooks"
  topic_arns   = { page = "arn:aws:sns:eu-central-1:123456789012:page" }
  kinds = {
    messages-waiting = { metric = "AWS/SQS ApproximateAgeOfOldestMessage Maximum" }
    dead-letters     = { metric = "AWS/SQS ApproximateNumberOfMessagesVisible Maximum", periods = 1, periods_to_alarm = 1, severity = "ticket" }
    service-errors   = { metrics = { errors = "AWS/ApplicationELB HTTPCode_Target_5XX_Count Sum", requests = "AWS/ApplicationELB RequestCount Sum" }, expression = "IF(requests>0, 100*errors/requests, 0)" }
    service-errors-2 = { runbook = "service-errors", metric = "AWS/ApplicationELB HTTPCode_Target_5XX_Count Sum" }
  }
  alarms = {
    orders-waiting      = { kind = "messages-waiting", limit = 60, QueueName = "orders" }
    orders-dead-letters = { kind = "dead-letters", limit = 0, QueueName = "orders-dead" }
    api-errors          = { kind = "service-errors", limit = 5, LoadBalancer = "app/shop/1" }
    site-errors         = { kind = "service-errors-2", limit = 5, LoadBalancer = "app/shop/1" }
  }
}

run "a_row_becomes_an_alarm" {
  command = plan

  assert {
    condition     = output.names == { api-errors = "shop-prod-api-errors", orders-dead-letters = "shop-prod-orders-dead-letters", orders-waiting = "shop-prod-orders-waiting", site-errors = "shop-prod-site-errors" }
    error_message = "every row must have its alarm, named after the environment and the row"
  }

  assert {
    condition     = length(output.arns) == 4
    error_message = "a dashboard must find every alarm"
  }
}

run "a_kind_becomes_a_group_of_graphs" {
  command = plan

  assert {
    condition     = [for group in output.graphs : group.title] == ["dead letters", "messages waiting", "service errors", "service errors 2"]
    error_message = "one group for each kind"
  }

  assert {
    condition     = output.graphs[1].graphs[0].limit == 60 && output.graphs[1].graphs[0].metrics[0].dimensions.QueueName == "orders"
    error_message = "a graph must show what the alarm watches, with its limit"
  }

  assert {
    condition     = [for metric in output.graphs[2].graphs[0].metrics : metric.visible] == [false, false, true]
    error_message = "of an expression, the result alone is drawn"
  }
}

run "kinds_without_a_metric_are_refused" {
  command = plan

  variables {
    name         = "-"
    runbooks_url = "http://example.com/"
    kinds        = { empty = { expression = "1" } }
    alarms       = {}
  }

  expect_failures = [var.name, var.runbooks_url, var.kinds]
}

run "a_metric_of_two_words_is_refused" {
  command = plan

  variables {
    kinds  = { odd = { metric = "AWS/SQS TooFew" } }
    alarms = {}
  }

  expect_failures = [var.kinds]
}

run "a_row_without_a_kind_is_refused" {
  command = plan

  variables {
    alarms = { nothing = { kind = "unheard-of", limit = "1" } }
  }

  expect_failures = [var.alarms]
}

run "a_row_without_a_limit_is_refused" {
  command = plan

  variables {
    alarms = { waiting = { kind = "messages-waiting", limit = "much" } }
  }

  expect_failures = [var.alarms]
}
