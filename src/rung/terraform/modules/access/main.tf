# Who may do what, as a table: one statement a row. All that a role may do is one inline policy of it.

locals {
  roles = { for party in var.parties : trimprefix(party.name, "${var.name}-") => party.role_name }

  policies = {
    for name in distinct([for statement in var.statements : statement.role]) : name => jsonencode({
      Version = "2012-10-17"
      Statement = concat(
        [
          for sid, statement in var.statements : merge(
            { Sid = sid, Effect = "Allow", Action = statement.actions, Resource = statement.resources },
            length(statement.when) == 0 ? {} : { Condition = statement.when },
          ) if statement.role == name
        ],
        [
          for sid, statement in var.statements : {
            Sid       = "${sid}Key"
            Effect    = "Allow"
            Action    = statement.key.actions
            Resource  = [statement.key.arn]
            Condition = { StringEquals = { "kms:ViaService" = [statement.key.through] } }
          } if statement.role == name && statement.key != null
        ],
      )
    })
  }
}

resource "aws_iam_role_policy" "this" {
  for_each = local.policies

  name   = "${var.name}-${each.key}"
  role   = local.roles[each.key]
  policy = each.value

  lifecycle {
    precondition {
      condition     = length(each.value) <= 10240
      error_message = "The policy of ${each.key} is longer than the 10240 characters that inline policies of a role may have together."
    }
  }
}
