mock_provider "aws" {
  source          = "../testing"
  override_during = plan
}

variables {
  name = "shop-prod-orders-fulfilment"
}

run "messages_are_encrypted_and_failures_kept" {
  command = plan

  assert {
    condition     = aws_sqs_queue.this.sqs_managed_sse_enabled && aws_sqs_queue.dead[0].sqs_managed_sse_enabled
    error_message = "without a key, SQS encrypts by its own"
  }

  assert {
    condition     = jsondecode(aws_sqs_queue.this.redrive_policy).maxReceiveCount == 5
    error_message = "after five receives a message goes to the dead-letter queue"
  }

  assert {
    condition     = aws_sqs_queue.dead[0].message_retention_seconds == 1209600 && output.dead_letter_name == "shop-prod-orders-fulfilment-dlq"
    error_message = "failures wait for a person as long as SQS keeps anything"
  }

  assert {
    condition     = jsondecode(aws_sqs_queue_redrive_allow_policy.dead[0].redrive_allow_policy).redrivePermission == "byQueue"
    error_message = "no other queue may bury its failures here"
  }

  assert {
    condition = alltrue([
      for policy in [aws_sqs_queue_policy.this.policy, aws_sqs_queue_policy.dead[0].policy] :
      [for statement in jsondecode(policy).Statement : "${statement.Effect} ${statement.Condition.Bool["aws:SecureTransport"]}"] == ["Deny false"]
    ])
    error_message = "both queues refuse plain HTTP and let nobody else in"
  }

  assert {
    condition     = aws_sqs_queue.this.receive_wait_time_seconds == 20
    error_message = "receives poll long"
  }
}

run "a_key_and_a_sender_are_given" {
  command = plan

  variables {
    key_arn           = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"
    max_receive_count = null
    senders           = [{ service = "events.amazonaws.com", source_arn = "arn:aws:events:eu-central-1:123456789012:rule/bus/placed" }]
  }

  assert {
    condition     = aws_sqs_queue.this.kms_master_key_id == var.key_arn && aws_sqs_queue.this.sqs_managed_sse_enabled != true
    error_message = "the given key takes the place of SQS's own"
  }

  assert {
    condition     = length(aws_sqs_queue.dead) == 0 && output.dead_letter_arn == null && output.dead_letter_url == null
    error_message = "no count, no dead-letter queue"
  }

  assert {
    condition     = jsondecode(aws_sqs_queue_policy.this.policy).Statement[1].Condition.ArnEquals["aws:SourceArn"] == var.senders[0].source_arn
    error_message = "one rule sends, not every rule of every account"
  }
}

run "wrong_values_are_refused" {
  command = plan

  variables {
    name                       = "orders.fulfilment"
    visibility_timeout_seconds = 50000
    retention_seconds          = 30
    delay_seconds              = 1000
    max_receive_count          = 0
    senders                    = [{ service = "lambda.amazonaws.com", source_arn = "arn:aws:lambda:eu-central-1:123456789012:function:f" }]
  }

  expect_failures = [
    var.name, var.visibility_timeout_seconds, var.retention_seconds, var.delay_seconds, var.max_receive_count, var.senders,
  ]
}
