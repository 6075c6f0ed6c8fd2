# Who may do what, as a table: one statement a row. All that a role may do is one inline policy of it.

locals {
  policies = {
    for name in distinct([for statement in var.statements : statement.role]) : name => jsonencode({
      Version = "2012-10-17"
      Statement = [
        for sid, statement in var.statements : merge(
          { Sid = sid, Effect = "Allow", Action = statement.actions, Resource = statement.resources },
          length(statement.when) == 0 ? {} : { Condition = statement.when },
        ) if statement.role == name
      ]
    })
  }
}

resource "aws_iam_role_policy" "this" {
  for_each = local.policies

  name   = "${var.name}-${each.key}"
  role   = var.roles[each.key]
  policy = each.value

  lifecycle {
    precondition {
      condition     = length(each.value) <= 10240
      error_message = "The policy of ${each.key} is longer than the 10240 characters that inline policies of a role may have together."
    }
  }
}
