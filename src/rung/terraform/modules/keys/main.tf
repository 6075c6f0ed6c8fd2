locals {
  owner = {
    Sid       = "AccountDecidesByIam"
    Effect    = "Allow"
    Principal = { AWS = "arn:aws:iam::${var.account_id}:root" }
    Action    = "kms:*"
    Resource  = "*"
  }

  # Without the condition, the service could be made to use the key on behalf of another account.
  own_account = { StringEquals = { "aws:SourceAccount" = var.account_id } }

  autoscaling_role = "arn:aws:iam::${var.account_id}:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"

  # A service-linked role has no policy of the account's: only the key itself can let it in.
  autoscaling = [
    {
      Sid       = "AutoScalingUsesVolumes"
      Effect    = "Allow"
      Principal = { AWS = local.autoscaling_role }
      Action    = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"]
      Resource  = "*"
    },
    {
      Sid       = "AutoScalingAttachesVolumes"
      Effect    = "Allow"
      Principal = { AWS = local.autoscaling_role }
      Action    = "kms:CreateGrant"
      Resource  = "*"
      Condition = { Bool = { "kms:GrantIsForAWSResource" = "true" } }
    },
  ]
}

# Rows, objects, messages and secrets. EventBridge and SNS write to encrypted queues as themselves, so they are named.
resource "aws_kms_key" "data" {
  description             = "${var.name}: rows, objects, messages and secrets"
  enable_key_rotation     = true
  deletion_window_in_days = var.deletion_days

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [
        local.owner,
        {
          Sid       = "EventsReachQueues"
          Effect    = "Allow"
          Principal = { Service = ["events.amazonaws.com", "sns.amazonaws.com"] }
          Action    = ["kms:Decrypt", "kms:GenerateDataKey*"]
          Resource  = "*"
          Condition = local.own_account
        },
      ],
      [for statement in local.autoscaling : statement if var.autoscaling],
    )
  })
}

resource "aws_kms_alias" "data" {
  name          = "alias/${var.name}-data"
  target_key_id = aws_kms_key.data.key_id
}

# Log groups and alarm topics: whoever reads logs need not be able to read rows.
resource "aws_kms_key" "log" {
  description             = "${var.name}: logs and alarm topics"
  enable_key_rotation     = true
  deletion_window_in_days = var.deletion_days

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      local.owner,
      {
        Sid       = "LogsOfThisAccount"
        Effect    = "Allow"
        Principal = { Service = "logs.${var.region}.amazonaws.com" }
        Action    = ["kms:Decrypt", "kms:Describe*", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"]
        Resource  = "*"
        Condition = {
          ArnLike = { "kms:EncryptionContext:aws:logs:arn" = "arn:aws:logs:${var.region}:${var.account_id}:*" }
        }
      },
      {
        Sid    = "AlarmsReachTopics"
        Effect = "Allow"
        Principal = {
          Service = ["budgets.amazonaws.com", "cloudwatch.amazonaws.com", "events.amazonaws.com"]
        }
        Action    = ["kms:Decrypt", "kms:GenerateDataKey*"]
        Resource  = "*"
        Condition = local.own_account
      },
    ]
  })
}

resource "aws_kms_alias" "log" {
  name          = "alias/${var.name}-log"
  target_key_id = aws_kms_key.log.key_id
}
