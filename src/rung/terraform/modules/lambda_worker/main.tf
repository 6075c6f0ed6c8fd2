# A worker in Lambda: its queues start it, as often at once as they may, with batches that are answered one by one.

locals {
  # The parts of an ARN: arn, partition, service, region, account, resource.
  repository = split(":", var.platform.repository_arn)
  partition  = local.repository[1]
  region     = local.repository[3]
  account    = local.repository[4]

  # What the program calls itself in its log and its traces.
  named     = { for name in var.platform.name[*] : "RUNG_NODE" => trimprefix(var.name, "${name}-") }
  variables = merge(local.named, var.platform.environment, var.environment)

  # What is kept warm is a version, and its queues must start that one.
  started_arn = coalesce(one(aws_lambda_alias.warm[*].arn), aws_lambda_function.this.arn)

  key_arns = distinct(concat([var.platform.key_arn], var.queue_key_arns))
}

resource "aws_lambda_function" "this" {
  function_name = var.name
  description   = "Takes messages of ${join(", ", keys(var.queues))}"
  role          = aws_iam_role.this.arn

  package_type  = "Image"
  image_uri     = var.platform.image
  publish       = var.provisioned_concurrency > 0
  architectures = [var.architecture]

  memory_size                    = var.memory_mib
  timeout                        = var.timeout_seconds
  reserved_concurrent_executions = coalesce(var.reserved_concurrency, -1)
  kms_key_arn                    = var.platform.key_arn

  image_config {
    command = var.command
  }

  environment {
    variables = local.variables
  }

  ephemeral_storage {
    size = var.ephemeral_mib
  }

  logging_config {
    log_format = "Text"
    log_group  = aws_cloudwatch_log_group.this.name
  }

  # The program keeps its own traces; what X-Ray has begun goes on.
  tracing_config {
    mode = "PassThrough"
  }

  dynamic "vpc_config" {
    for_each = var.in_network ? [var.platform.subnet_ids] : []

    content {
      subnet_ids         = vpc_config.value
      security_group_ids = aws_security_group.this[*].id
    }
  }

  dynamic "file_system_config" {
    for_each = var.file_systems

    content {
      arn              = file_system_config.value.access_point_arn
      local_mount_path = file_system_config.value.path
    }
  }

  lifecycle {
    precondition {
      condition     = sum([for name, value in local.variables : length(name) + length(value)]) <= 4096
      error_message = "The environment variables of ${var.name} are longer than the 4096 characters that Lambda takes together."
    }
  }

  # Without them it cannot be made, or its first lines are lost.
  depends_on = [aws_iam_role_policy.own]
}

resource "aws_lambda_alias" "warm" {
  count = var.provisioned_concurrency > 0 ? 1 : 0

  name             = "warm"
  description      = "The version that its queues start"
  function_name    = aws_lambda_function.this.function_name
  function_version = aws_lambda_function.this.version
}

resource "aws_lambda_provisioned_concurrency_config" "warm" {
  count = var.provisioned_concurrency > 0 ? 1 : 0

  function_name                     = aws_lambda_function.this.function_name
  qualifier                         = aws_lambda_alias.warm[0].name
  provisioned_concurrent_executions = var.provisioned_concurrency
}

resource "aws_lambda_event_source_mapping" "queue" {
  for_each = var.queues

  event_source_arn                   = each.value.arn
  function_name                      = local.started_arn
  batch_size                         = each.value.batch_size
  maximum_batching_window_in_seconds = each.value.window_seconds

  # One bad message does not bring its neighbours back.
  function_response_types = ["ReportBatchItemFailures"]

  # Beyond it messages wait in their queue, and nothing is counted as received in vain.
  scaling_config {
    maximum_concurrency = each.value.most_batches
  }
}

resource "aws_cloudwatch_log_group" "this" {
  name              = "/aws/lambda/${var.name}"
  retention_in_days = var.platform.log_days
  kms_key_id        = var.platform.log_key_arn
}

# Without rules of its own: whom it may call are connections.
resource "aws_security_group" "this" {
  count = var.in_network ? 1 : 0

  name        = var.name
  description = "Function ${var.name}"
  vpc_id      = var.platform.vpc_id

  tags = { Name = var.name }
}

resource "aws_iam_role" "this" {
  name                 = var.name
  permissions_boundary = var.permissions_boundary_arn

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "Lambda"
      Effect    = "Allow"
      Principal = { Service = "lambda.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

# What Lambda does in its name, before and around the program. What the program may do is granted elsewhere.
resource "aws_iam_role_policy" "own" {
  name = "${var.name}-lambda"
  role = aws_iam_role.this.name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [
        {
          Sid      = "WriteLog"
          Effect   = "Allow"
          Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
          Resource = "${aws_cloudwatch_log_group.this.arn}:*"
        },
        {
          Sid      = "ReceiveBatches"
          Effect   = "Allow"
          Action   = ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"]
          Resource = [for queue in var.queues : queue.arn]
        },
        {
          Sid      = "ReadEncrypted"
          Effect   = "Allow"
          Action   = "kms:Decrypt"
          Resource = local.key_arns
          Condition = {
            StringEquals = { "kms:ViaService" = ["lambda.${local.region}.amazonaws.com", "sqs.${local.region}.amazonaws.com"] }
          }
        },
      ],
      [for inside in [var.in_network] : {
        Sid    = "HaveAnAddress"
        Effect = "Allow"
        Action = [
          "ec2:AssignPrivateIpAddresses", "ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface",
          "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets", "ec2:UnassignPrivateIpAddresses",
        ]
        Resource = "*"
      } if inside],
      # Lambda needs the addresses; the program never does.
      [for inside in [var.in_network] : {
        Sid    = "ButNotTheProgram"
        Effect = "Deny"
        Action = [
          "ec2:AssignPrivateIpAddresses", "ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface",
          "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets", "ec2:UnassignPrivateIpAddresses",
        ]
        Resource  = "*"
        Condition = { ArnEquals = { "lambda:SourceFunctionArn" = ["arn:${local.partition}:lambda:${local.region}:${local.account}:function:${var.name}"] } }
      } if inside],
    )
  })
}
