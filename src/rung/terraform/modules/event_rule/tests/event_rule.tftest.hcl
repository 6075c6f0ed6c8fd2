mock_provider "aws" {
  source          = "../testing"
  override_during = plan
}

variables {
  name       = "shop-prod-order-placed"
  bus_name   = "shop-prod-events"
  pattern    = "{\"source\":[\"shop\"]}"
  target_arn = "arn:aws:sqs:eu-central-1:123456789012:shop-prod-orders"
}

run "what_cannot_be_delivered_is_kept" {
  command = plan

  assert {
    condition     = one(aws_cloudwatch_event_target.this.dead_letter_config).arn == aws_sqs_queue.dead[0].arn && aws_sqs_queue.dead[0].message_retention_seconds == 1209600
    error_message = "EventBridge forgets what it cannot deliver"
  }

  assert {
    condition     = one(aws_cloudwatch_event_target.this.retry_policy).maximum_retry_attempts == 185 && one(aws_cloudwatch_event_target.this.retry_policy).maximum_event_age_in_seconds == 86400
    error_message = "a delivery is tried again for a day"
  }

  assert {
    condition     = { for statement in jsondecode(aws_sqs_queue_policy.dead[0].policy).Statement : statement.Sid => statement.Effect } == { Undeliverable = "Allow", TlsOnly = "Deny" }
    error_message = "this rule writes, by TLS"
  }

  assert {
    condition     = jsondecode(aws_sqs_queue_policy.dead[0].policy).Statement[0].Condition.ArnEquals["aws:SourceArn"] == aws_cloudwatch_event_rule.this.arn && aws_sqs_queue.dead[0].sqs_managed_sse_enabled
    error_message = "no other rule writes, and what is kept is encrypted"
  }
}

run "another_queue_takes_what_cannot_be_delivered" {
  command = plan

  variables {
    own_dead_letters = false
    dead_letter_arn  = "arn:aws:sqs:eu-central-1:123456789012:shop-prod-undeliverable"
  }

  assert {
    condition     = length(aws_sqs_queue.dead) == 0 && one(aws_cloudwatch_event_target.this.dead_letter_config).arn == var.dead_letter_arn && output.dead_letter_name == null
    error_message = "no queue of its own then"
  }
}

run "wrong_values_are_refused" {
  command = plan

  variables {
    name             = "order placed"
    pattern          = "{}"
    max_attempts     = 200
    max_age_seconds  = 10
    own_dead_letters = false
  }

  expect_failures = [var.name, var.pattern, var.max_attempts, var.max_age_seconds, var.dead_letter_arn]
}

run "a_template_makes_the_input" {
  command = plan

  variables {
    input_template = "{\"number\":<order>}"
    input_paths    = { order = "$.detail.order" }
  }

  assert {
    condition     = one(aws_cloudwatch_event_target.this.input_transformer).input_template == "{\"number\":<order>}" && one(aws_cloudwatch_event_target.this.input_transformer).input_paths.order == "$.detail.order"
    error_message = "the target gets what the template says"
  }
}

run "two_inputs_are_refused" {
  command = plan

  variables {
    input          = "{}"
    input_template = "\"<aws.events.rule-name>\""
  }

  expect_failures = [var.input_template]
}

run "inputs_that_eventbridge_does_not_take_are_refused" {
  command = plan

  variables {
    input       = "{rebuild}"
    input_path  = "detail"
    input_paths = { "a b" = "$.id" }
  }

  expect_failures = [var.input, var.input_path, var.input_paths]
}
