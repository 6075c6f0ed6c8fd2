mock_provider "aws" {
  source          = "../testing"
  override_during = plan
}

variables {
  name         = "shop-prod"
  runbooks_url = "https://example.com/runbooks"
  topic_arns   = { page = "arn:aws:sns:eu-central-1:123456789012:page" }
  kinds = {
    site-errors = { name = "errors", dimensions = { LoadBalancer = "LoadBalancer" }, runbook = "service-errors", metric = "AWS/ApplicationELB HTTPCode_Target_5XX_Count Sum" }
  }
  alarms = {
    orders = { of = { QueueName = "orders", DeadLetterQueueName = "orders-dead" }, limits = { messages-waiting = 60, dead-letters = 0 } }
    api    = { of = { LoadBalancer = "app/shop/1", TargetGroup = "targetgroup/api/1", ServiceName = "api", ClusterName = "shop" }, limits = { service-errors = 5, task-cpu-high = 80 } }
    site   = { of = { LoadBalancer = "app/shop/1" }, limits = { site-errors = 5 } }
  }
}

run "a_row_becomes_an_alarm" {
  command = plan

  assert {
    condition     = output.names == { api-cpu-high = "shop-prod-api-cpu-high", api-errors = "shop-prod-api-errors", orders-dead-letters = "shop-prod-orders-dead-letters", orders-waiting = "shop-prod-orders-waiting", site-errors = "shop-prod-site-errors" }
    error_message = "every limit must have its alarm, named after the environment, the row and what is watched"
  }

  assert {
    condition     = length(output.arns) == 5
    error_message = "a dashboard must find every alarm"
  }
}

run "a_kind_becomes_a_group_of_graphs" {
  command = plan

  assert {
    condition     = [for group in output.graphs : group.title] == ["dead letters", "messages waiting", "service errors", "site errors", "task cpu high"]
    error_message = "one group for each kind that is in use"
  }

  assert {
    condition     = output.graphs[1].graphs[0].limit == 60 && output.graphs[1].graphs[0].metrics[0].dimensions.QueueName == "orders"
    error_message = "a graph must show what the alarm watches, with its limit"
  }

  assert {
    condition     = output.graphs[0].graphs[0].metrics[0].dimensions == { QueueName = "orders-dead" }
    error_message = "dead letters are counted in the dead-letter queue"
  }

  assert {
    condition     = output.graphs[2].graphs[0].metrics[0].dimensions == { LoadBalancer = "app/shop/1", TargetGroup = "targetgroup/api/1" } && output.graphs[4].graphs[0].metrics[0].dimensions == { ClusterName = "shop", ServiceName = "api" }
    error_message = "of a row, a kind takes the dimensions that its metric has"
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
    kinds        = { empty = { name = "empty", dimensions = {}, expression = "1" } }
    alarms       = {}
  }

  expect_failures = [var.name, var.runbooks_url, var.kinds]
}

run "a_metric_of_two_words_is_refused" {
  command = plan

  variables {
    kinds  = { odd = { name = "odd", dimensions = {}, metric = "AWS/SQS TooFew" } }
    alarms = {}
  }

  expect_failures = [var.kinds]
}

run "an_unheard_of_kind_is_refused" {
  command = plan

  variables {
    alarms = { nothing = { of = { QueueName = "orders" }, limits = { unheard-of = 1 } } }
  }

  expect_failures = [var.alarms]
}

run "a_row_about_nothing_is_refused" {
  command = plan

  variables {
    alarms = { waiting = { of = {}, limits = { messages-waiting = 60 } } }
  }

  expect_failures = [var.alarms]
}
