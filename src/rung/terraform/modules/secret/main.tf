locals {
  rotated  = var.rotation == "function"
  reminded = var.rotation == "person"
}

resource "aws_secretsmanager_secret" "this" {
  name                    = var.name
  description             = var.description
  kms_key_id              = var.key_arn
  recovery_window_in_days = var.recovery_days
}

# Asked for anew on every plan and forgotten at its end; written only when the generation changes.
ephemeral "aws_secretsmanager_random_password" "this" {
  count = var.generated ? 1 : 0

  password_length     = var.length
  exclude_punctuation = true
}

resource "aws_secretsmanager_secret_version" "this" {
  count = var.generated ? 1 : 0

  secret_id                = aws_secretsmanager_secret.this.id
  secret_string_wo_version = var.generation

  secret_string_wo = var.generated_username == null ? ephemeral.aws_secretsmanager_random_password.this[0].random_password : jsonencode({
    username = var.generated_username
    password = ephemeral.aws_secretsmanager_random_password.this[0].random_password
  })
}

resource "aws_secretsmanager_secret_rotation" "this" {
  count = local.rotated ? 1 : 0

  secret_id           = aws_secretsmanager_secret.this.id
  rotation_lambda_arn = var.rotation_lambda_arn

  rotation_rules {
    automatically_after_days = var.rotate_days
  }
}

# No service can exchange this value by itself, so a person is told in time.
resource "aws_scheduler_schedule" "reminder" {
  count = local.reminded ? 1 : 0

  name                = "${substr(var.name, 0, 55)}-rotate"
  description         = "Reminds a person to replace the value of ${var.name}"
  schedule_expression = "rate(${var.rotate_days} ${var.rotate_days == 1 ? "day" : "days"})"
  kms_key_arn         = var.key_arn

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = var.topic_arn
    role_arn = aws_iam_role.reminder[0].arn
    input    = "The secret ${var.name} is due for a new value (every ${var.rotate_days} days). Put it with: aws secretsmanager put-secret-value --secret-id ${var.name} --secret-string file:///dev/stdin"
  }
}

resource "aws_iam_role" "reminder" {
  count = local.reminded ? 1 : 0

  name        = "${substr(var.name, 0, 55)}-rotate"
  description = "Lets the schedule tell the topic that ${var.name} is due"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "scheduler.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "aws:SourceAccount" = split(":", var.topic_arn)[4] } }
    }]
  })
}

resource "aws_iam_role_policy" "reminder" {
  count = local.reminded ? 1 : 0

  name = "remind"
  role = aws_iam_role.reminder[0].name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [
        { Sid = "Remind", Effect = "Allow", Action = "sns:Publish", Resource = var.topic_arn },
        { Sid = "ReadSchedule", Effect = "Allow", Action = "kms:Decrypt", Resource = var.key_arn },
      ],
      [for key in var.topic_key_arn[*] : {
        Sid      = "EncryptReminder"
        Effect   = "Allow"
        Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource = key
      }],
    )
  })
}
