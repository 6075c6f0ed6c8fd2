mock_provider "aws" {
  source          = "../testing"
  override_during = plan
}

variables {
  name  = "shop-prod-orders"
  lanes = ["payment", "fulfilment"]
}

run "a_lane_is_a_queue_with_its_dead_letters" {
  command = plan

  assert {
    condition     = output.names == { payment = "shop-prod-orders-payment", fulfilment = "shop-prod-orders-fulfilment" }
    error_message = "a queue for each lane"
  }

  assert {
    condition     = output.dead_letter_names == { payment = "shop-prod-orders-payment-dlq", fulfilment = "shop-prod-orders-fulfilment-dlq" }
    error_message = "a dead-letter queue for each lane"
  }

  assert {
    condition     = keys(output.arns) == ["fulfilment", "payment"] && keys(output.urls) == keys(output.arns) && keys(output.dead_letter_arns) == keys(output.arns)
    error_message = "what is told is told by lane"
  }
}

run "tasks_are_told_what_was_made" {
  command = plan

  variables {
    visibility_timeout_seconds = 45
    retention_seconds          = 86400
    max_receive_count          = 3
  }

  assert {
    condition     = { for name in ["kind", "adapter", "region"] : name => output.binding[name] } == { kind = "queue", adapter = "sqs", region = "eu-central-1" }
    error_message = "a queue on SQS, in the region of the queues"
  }

  assert {
    condition     = output.binding.visibility_timeout_seconds == 45 && output.binding.retention_seconds == 86400 && output.binding.max_receive_count == 3
    error_message = "the figures are those of the queues"
  }

  assert {
    condition     = output.binding.lanes == tolist(["payment", "fulfilment"]) && keys(output.binding.urls) == ["fulfilment", "payment"] && keys(output.binding.dead_letter_urls) == ["fulfilment", "payment"]
    error_message = "lanes in their order, URLs by lane"
  }
}

run "without_a_count_there_are_no_dead_letters" {
  command = plan

  variables {
    max_receive_count = null
    senders           = { payment = [{ service = "events.amazonaws.com", source_arn = "arn:aws:events:eu-central-1:123456789012:rule/bus/placed" }] }
  }

  assert {
    condition     = length(output.dead_letter_arns) + length(output.dead_letter_urls) + length(output.dead_letter_names) == 0 && !can(output.binding.dead_letter_urls)
    error_message = "nothing is told of queues that are not there"
  }
}

run "wrong_values_are_refused" {
  command = plan

  variables {
    name    = "orders.all"
    lanes   = ["payment", "payment"]
    senders = {}
  }

  expect_failures = [var.name, var.lanes]
}

run "a_sender_of_no_lane_is_refused" {
  command = plan

  variables {
    senders = { returns = [] }
  }

  expect_failures = [var.senders]
}
