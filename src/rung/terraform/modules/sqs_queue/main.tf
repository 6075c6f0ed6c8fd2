locals {
  dead_letters = var.max_receive_count != null

  tls_only = {
    Sid       = "TlsOnly"
    Effect    = "Deny"
    Principal = "*"
    Action    = "sqs:*"
    Condition = { Bool = { "aws:SecureTransport" = "false" } }
  }
}

resource "aws_sqs_queue" "this" {
  name                       = var.name
  visibility_timeout_seconds = var.visibility_timeout_seconds
  message_retention_seconds  = var.retention_seconds
  delay_seconds              = var.delay_seconds

  # A receive without its own wait still polls long: fewer empty answers, fewer requests to pay.
  receive_wait_time_seconds = 20

  sqs_managed_sse_enabled           = var.key_arn == null ? true : null
  kms_master_key_id                 = var.key_arn
  kms_data_key_reuse_period_seconds = var.key_arn == null ? null : 3600

  redrive_policy = local.dead_letters ? jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead[0].arn
    maxReceiveCount     = var.max_receive_count
  }) : null
}

resource "aws_sqs_queue_policy" "this" {
  queue_url = aws_sqs_queue.this.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [merge(local.tls_only, { Resource = aws_sqs_queue.this.arn })],
      [for index, sender in var.senders : {
        Sid       = "Sender${index}"
        Effect    = "Allow"
        Principal = { Service = sender.service }
        Action    = "sqs:SendMessage"
        Resource  = aws_sqs_queue.this.arn
        Condition = { ArnEquals = { "aws:SourceArn" = sender.source_arn } }
      }],
    )
  })
}

# What could not be handled waits here for a person: as long as SQS keeps anything.
resource "aws_sqs_queue" "dead" {
  count = local.dead_letters ? 1 : 0

  name                      = "${var.name}-dlq"
  message_retention_seconds = 1209600
  receive_wait_time_seconds = 20

  sqs_managed_sse_enabled           = var.key_arn == null ? true : null
  kms_master_key_id                 = var.key_arn
  kms_data_key_reuse_period_seconds = var.key_arn == null ? null : 3600
}

resource "aws_sqs_queue_policy" "dead" {
  count = local.dead_letters ? 1 : 0

  queue_url = aws_sqs_queue.dead[0].id

  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [merge(local.tls_only, { Resource = aws_sqs_queue.dead[0].arn })]
  })
}

# Without it, any queue of the account could bury its failures here.
resource "aws_sqs_queue_redrive_allow_policy" "dead" {
  count = local.dead_letters ? 1 : 0

  queue_url = aws_sqs_queue.dead[0].id

  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = [aws_sqs_queue.this.arn]
  })
}
