mock_provider "aws" {
  source          = "../testing"
  override_during = plan
}

variables {
  name         = "shop-prod"
  account_id   = "123456789012"
  region       = "eu-central-1"
  own_key      = true
  emails       = ["oncall@example.com"]
  runbooks_url = "https://example.com/runbooks"
  monthly_usd  = 2000
  availability = { availability = { share = 0.9995, load_balancer_suffix = "app/shop/1" } }
  alarms = {
    orders = { of = { QueueName = "orders" }, limits = { messages-waiting = 60 } }
  }
}

run "one_block_watches_an_environment" {
  command = plan

  assert {
    condition     = output.alarm_names == { orders-waiting = "shop-prod-orders-waiting" } && output.dashboard_name == "shop-prod-overview"
    error_message = "alarms and the page of graphs are called after the environment"
  }

  assert {
    condition     = length(module.budget) == 1 && keys(module.objective) == ["availability"]
    error_message = "a budget and an objective"
  }
}

run "what_nobody_asks_for_is_not_there" {
  command = plan

  variables {
    monthly_usd  = null
    availability = {}
    kinds        = { slow-orders = { name = "slow", dimensions = { QueueName = "QueueName" }, metric = "AWS/SQS ApproximateAgeOfOldestMessage Average" } }
    alarms       = { orders = { of = { QueueName = "orders" }, limits = { slow-orders = 60 } } }
  }

  assert {
    condition     = length(module.budget) == 0 && length(module.objective) == 0 && keys(output.alarm_names) == ["orders-slow"]
    error_message = "no budget, no objective; a kind of one's own"
  }
}
