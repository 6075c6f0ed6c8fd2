locals {
  key_arn = var.own_key ? aws_kms_key.this[0].arn : var.key_arn
  topics  = { page = aws_sns_topic.page.arn, ticket = aws_sns_topic.ticket.arn }

  publishers  = ["budgets.amazonaws.com", "cloudwatch.amazonaws.com", "events.amazonaws.com"]
  own_account = { StringEquals = { "aws:SourceAccount" = var.account_id } }
}

# CloudWatch cannot publish to a topic under the key that AWS manages for SNS.
resource "aws_kms_key" "this" {
  count = var.own_key ? 1 : 0

  description         = "${var.name}: alarm topics"
  enable_key_rotation = true

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "AccountDecidesByIam"
        Effect    = "Allow"
        Principal = { AWS = "arn:aws:iam::${var.account_id}:root" }
        Action    = "kms:*"
        Resource  = "*"
      },
      {
        Sid       = "AlarmsReachTopics"
        Effect    = "Allow"
        Principal = { Service = local.publishers }
        Action    = ["kms:Decrypt", "kms:GenerateDataKey*"]
        Resource  = "*"
        Condition = local.own_account
      },
    ]
  })
}

# Somebody gets up.
resource "aws_sns_topic" "page" {
  name              = "${var.name}-page"
  kms_master_key_id = local.key_arn
}

# Somebody looks tomorrow.
resource "aws_sns_topic" "ticket" {
  name              = "${var.name}-ticket"
  kms_master_key_id = local.key_arn
}

resource "aws_sns_topic_policy" "this" {
  for_each = local.topics

  arn = each.value

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "AlarmsOfThisAccount"
        Effect    = "Allow"
        Principal = { Service = local.publishers }
        Action    = "sns:Publish"
        Resource  = each.value
        Condition = local.own_account
      },
      {
        Sid       = "TlsOnly"
        Effect    = "Deny"
        Principal = "*"
        Action    = "sns:Publish"
        Resource  = each.value
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
    ]
  })
}

resource "aws_sns_topic_subscription" "email_page" {
  for_each = toset(var.emails)

  topic_arn = aws_sns_topic.page.arn
  protocol  = "email"
  endpoint  = each.value
}

resource "aws_sns_topic_subscription" "email_ticket" {
  for_each = toset(var.emails)

  topic_arn = aws_sns_topic.ticket.arn
  protocol  = "email"
  endpoint  = each.value
}

resource "aws_sns_topic_subscription" "phone" {
  for_each = toset(var.phones)

  topic_arn = aws_sns_topic.page.arn
  protocol  = "sms"
  endpoint  = each.value
}

# Counted and not named after the address, which would show it in every plan.
resource "aws_sns_topic_subscription" "webhook" {
  count = nonsensitive(length(var.webhooks))

  topic_arn              = aws_sns_topic.page.arn
  protocol               = "https"
  endpoint               = var.webhooks[count.index]
  endpoint_auto_confirms = true
}

resource "aws_iam_role" "slack" {
  count = length(var.slack) == 0 ? 0 : 1

  name        = "${var.name}-slack"
  description = "Lets alarms in Slack show the graph of their metric"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "chatbot.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "aws:SourceAccount" = var.account_id } }
    }]
  })
}

resource "aws_iam_role_policy" "slack" {
  count = length(var.slack) == 0 ? 0 : 1

  name = "graphs"
  role = aws_iam_role.slack[0].name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "ReadAlarms"
        Effect   = "Allow"
        Action   = "cloudwatch:DescribeAlarms"
        Resource = "arn:aws:cloudwatch:*:${var.account_id}:alarm:*"
      },
      {
        # Metrics are no resources to IAM.
        Sid      = "DrawGraphs"
        Effect   = "Allow"
        Action   = ["cloudwatch:GetMetricData", "cloudwatch:GetMetricWidgetImage", "cloudwatch:ListMetrics"]
        Resource = "*"
      },
    ]
  })
}

resource "aws_chatbot_slack_channel_configuration" "this" {
  for_each = var.slack

  configuration_name = "${var.name}-${each.key}"
  iam_role_arn       = aws_iam_role.slack[0].arn
  slack_team_id      = each.value.team_id
  slack_channel_id   = each.value.channel_id
  sns_topic_arns     = values(local.topics)
  logging_level      = "ERROR"

  # Whatever is typed into the channel: reading metrics is the most it can do. AWS's default is AdministratorAccess.
  guardrail_policy_arns = ["arn:aws:iam::aws:policy/CloudWatchReadOnlyAccess"]
}
