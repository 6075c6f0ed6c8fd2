# What one role may do, in one inline policy: whoever reads it sees all of it.

locals {
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [for statement in var.statements : merge(
      {
        Sid      = statement.sid
        Effect   = "Allow"
        Action   = statement.actions
        Resource = statement.resources
      },
      length(statement.conditions) == 0 ? {} : {
        Condition = {
          for operator in distinct(statement.conditions[*].operator) : operator => {
            for condition in statement.conditions : condition.key => condition.values if condition.operator == operator
          }
        }
      },
    )]
  })
}

resource "aws_iam_role_policy" "this" {
  name   = var.name
  role   = var.role_name
  policy = local.policy

  lifecycle {
    precondition {
      condition     = length(local.policy) <= 10240
      error_message = "The policy of ${var.role_name} is longer than the 10240 characters that inline policies of a role may have together."
    }
  }
}
