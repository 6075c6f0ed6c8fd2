mock_provider "aws" {
  source          = "../testing"
  override_during = plan
}

variables {
  name    = "shop-prod"
  parties = [{ name = "shop-prod-api", role_name = "shop-prod-api-task" }, { name = "shop-prod-fulfil", role_name = "shop-prod-fulfil-task" }]
  statements = {
    ApiSendOrders = { role = "api", actions = ["sqs:SendMessage"], resources = ["arn:aws:sqs:eu-central-1:123456789012:orders"], key = { arn = "arn:aws:kms:eu-central-1:123456789012:key/1", actions = ["kms:Decrypt"], through = "sqs.eu-central-1.amazonaws.com" } }
    FulfilReadKey = { role = "fulfil", actions = ["secretsmanager:GetSecretValue"], resources = ["arn:aws:secretsmanager:eu-central-1:123456789012:secret:key-AbCdEf"], when = { StringEquals = { "aws:ResourceAccount" = ["123456789012"] } } }
  }
}

run "each_role_has_one_policy_with_its_own_statements" {
  command = plan

  assert {
    condition     = jsondecode(aws_iam_role_policy.this["api"].policy).Statement[*].Sid == ["ApiSendOrders", "ApiSendOrdersKey"]
    error_message = "api must have its statement, that of its key, and no other"
  }

  assert {
    condition     = jsondecode(aws_iam_role_policy.this["fulfil"].policy).Statement[*].Sid == ["FulfilReadKey"]
    error_message = "fulfil must have its statement and no other"
  }

  assert {
    condition     = aws_iam_role_policy.this["api"].role == "shop-prod-api-task"
    error_message = "the policy must belong to the role that parties name"
  }

  assert {
    condition     = jsondecode(aws_iam_role_policy.this["api"].policy).Statement[1].Condition.StringEquals["kms:ViaService"] == ["sqs.eu-central-1.amazonaws.com"]
    error_message = "a key is used by way of its service alone"
  }

  assert {
    condition     = jsondecode(aws_iam_role_policy.this["fulfil"].policy).Statement[0].Condition.StringEquals["aws:ResourceAccount"] == ["123456789012"]
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
    parties = [
      { name = "shop-prod-api", role_name = "shop-prod-api-task" },
      { name = "shop-prod-fulfil", role_name = "shop-prod-fulfil-task" },
      { name = "shop-prod-seed", role_name = "shop-prod-seed-task" },
    ]
  }

  assert {
    condition     = !contains(keys(aws_iam_role_policy.this), "seed")
    error_message = "nothing asks for a policy of seed"
  }
}

run "a_name_that_is_none_is_refused" {
  command = plan

  variables {
    name = "a name with spaces"
  }

  expect_failures = [var.name]
}

run "a_sid_that_is_none_is_refused" {
  command = plan

  variables {
    statements = { "not-a-sid" = { role = "api", actions = ["sqs:SendMessage"], resources = ["*"] } }
  }

  expect_failures = [var.statements]
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
