locals {
  dead_letter_arn = var.own_dead_letters ? aws_sqs_queue.dead[0].arn : var.dead_letter_arn
}

resource "aws_cloudwatch_event_rule" "this" {
  name           = var.name
  description    = "Events of ${var.bus_name} for ${var.name}"
  event_bus_name = var.bus_name
  event_pattern  = var.pattern
}

resource "aws_cloudwatch_event_target" "this" {
  rule           = aws_cloudwatch_event_rule.this.name
  event_bus_name = var.bus_name
  arn            = var.target_arn
  role_arn       = var.role_arn
  input          = var.input
  input_path     = var.input_path

  dynamic "input_transformer" {
    for_each = var.input_template == null ? [] : [var.input_template]

    content {
      input_template = input_transformer.value
      input_paths    = var.input_paths
    }
  }

  retry_policy {
    maximum_retry_attempts       = var.max_attempts
    maximum_event_age_in_seconds = var.max_age_seconds
  }

  dead_letter_config {
    arn = local.dead_letter_arn
  }
}

# EventBridge forgets what it cannot deliver unless there is a queue for it.
resource "aws_sqs_queue" "dead" {
  count = var.own_dead_letters ? 1 : 0

  name                      = "${var.name}-dlq"
  message_retention_seconds = 1209600
  receive_wait_time_seconds = 20

  sqs_managed_sse_enabled           = var.key_arn == null ? true : null
  kms_master_key_id                 = var.key_arn
  kms_data_key_reuse_period_seconds = var.key_arn == null ? null : 3600
}

resource "aws_sqs_queue_policy" "dead" {
  count = var.own_dead_letters ? 1 : 0

  queue_url = aws_sqs_queue.dead[0].id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "Undeliverable"
        Effect    = "Allow"
        Principal = { Service = "events.amazonaws.com" }
        Action    = "sqs:SendMessage"
        Resource  = aws_sqs_queue.dead[0].arn
        Condition = { ArnEquals = { "aws:SourceArn" = aws_cloudwatch_event_rule.this.arn } }
      },
      {
        Sid       = "TlsOnly"
        Effect    = "Deny"
        Principal = "*"
        Action    = "sqs:*"
        Resource  = aws_sqs_queue.dead[0].arn
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
    ]
  })
}
