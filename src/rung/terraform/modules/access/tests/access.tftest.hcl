mock_provider "aws" {
  source          = "../testing"
  override_during = plan
}

variables {
  name  = "shop-prod"
  roles = { api = "shop-prod-api-task", fulfil = "shop-prod-fulfil-task" }
  statements = {
    ApiSendOrders    = { role = "api", actions = ["sqs:SendMessage"], resources = ["arn:aws:sqs:eu-central-1:123456789012:orders"] }
    ApiSendOrdersKey = { role = "api", actions = ["kms:Decrypt"], resources = ["arn:aws:kms:eu-central-1:123456789012:key/1"], when = { StringEquals = { "kms:ViaService" = ["sqs.eu-central-1.amazonaws.com"] } } }
    FulfilReadKey    = { role = "fulfil", actions = ["secretsmanager:GetSecretValue"], resources = ["arn:aws:secretsmanager:eu-central-1:123456789012:secret:key-AbCdEf"] }
  }
}

run "each_role_has_one_policy_with_its_own_statements" {
  command = plan

  assert {
    condition     = jsondecode(aws_iam_role_policy.this["api"].policy).Statement[*].Sid == ["ApiSendOrders", "ApiSendOrdersKey"]
    error_message = "api must have its two statements and no other"
  }

  assert {
    condition     = jsondecode(aws_iam_role_policy.this["fulfil"].policy).Statement[*].Sid == ["FulfilReadKey"]
    error_message = "fulfil must have its statement and no other"
  }

  assert {
    condition     = aws_iam_role_policy.this["api"].role == "shop-prod-api-task"
    error_message = "the policy must belong to the role that roles names"
  }

  assert {
    condition     = jsondecode(aws_iam_role_policy.this["api"].policy).Statement[1].Condition.StringEquals["kms:ViaService"] == ["sqs.eu-central-1.amazonaws.com"]
    error_message = "conditions must be kept"
  }

  assert {
    condition     = !can(jsondecode(aws_iam_role_policy.this["api"].policy).Statement[0].Condition)
    error_message = "no empty Condition"
  }
}

run "a_role_without_statements_has_no_policy" {
  command = plan

  variables {
    roles = { api = "shop-prod-api-task", fulfil = "shop-prod-fulfil-task", seed = "shop-prod-seed-task" }
  }

  assert {
    condition     = !contains(keys(aws_iam_role_policy.this), "seed")
    error_message = "nothing asks for a policy of seed"
  }
}

run "a_name_and_a_sid_that_are_none_are_refused" {
  command = plan

  variables {
    name       = "a name with spaces"
    statements = { "not-a-sid" = { role = "api", actions = ["sqs:SendMessage"], resources = ["*"] } }
  }

  expect_failures = [var.name, var.statements]
}

run "an_unknown_role_is_refused" {
  command = plan

  variables {
    statements = { Send = { role = "nobody", actions = ["sqs:SendMessage"], resources = ["*"] } }
  }

  expect_failures = [var.statements]
}

run "a_wildcard_is_refused" {
  command = plan

  variables {
    statements = { Send = { role = "api", actions = ["sqs:*"], resources = ["*"] } }
  }

  expect_failures = [var.statements]
}

run "a_statement_about_nothing_is_refused" {
  command = plan

  variables {
    statements = { Send = { role = "api", actions = ["sqs:SendMessage"], resources = [] } }
  }

  expect_failures = [var.statements]
}
