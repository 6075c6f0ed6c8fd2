mock_provider "aws" {
  source          = "../testing"
  override_during = plan
}

variables {
  name      = "shop-prod-api"
  role_name = "shop-prod-api-task"
  statements = [
    {
      sid       = "ApiSendsOrders"
      actions   = ["sqs:SendMessage"]
      resources = ["arn:aws:sqs:eu-central-1:123456789012:orders"]
      conditions = [
        { operator = "StringEquals", key = "aws:SourceAccount", values = ["123456789012"] },
        { operator = "StringEquals", key = "aws:SourceVpc", values = ["vpc-1"] },
        { operator = "Bool", key = "aws:SecureTransport", values = ["true"] },
      ]
    },
    {
      sid       = "ApiReadsStripeKey"
      actions   = ["secretsmanager:GetSecretValue"]
      resources = ["arn:aws:secretsmanager:eu-central-1:123456789012:secret:stripe-AbCdEf"]
    },
  ]
}

run "one_policy_says_everything" {
  command = plan

  assert {
    condition     = jsondecode(aws_iam_role_policy.this.policy).Statement[*].Sid == ["ApiSendsOrders", "ApiReadsStripeKey"]
    error_message = "statements must be written in the order given"
  }

  assert {
    condition     = alltrue([for s in jsondecode(aws_iam_role_policy.this.policy).Statement : s.Effect == "Allow"])
    error_message = "every statement allows"
  }

  assert {
    condition     = keys(jsondecode(aws_iam_role_policy.this.policy).Statement[0].Condition.StringEquals) == ["aws:SourceAccount", "aws:SourceVpc"]
    error_message = "two keys of one operator must both be in the policy"
  }

  assert {
    condition     = !can(jsondecode(aws_iam_role_policy.this.policy).Statement[1].Condition)
    error_message = "no empty Condition"
  }
}

run "wildcard_actions_are_refused" {
  command = plan

  variables {
    name       = "grants of api"
    statements = [{ sid = "A", actions = ["sqs:*"], resources = ["*"] }]
  }

  expect_failures = [var.name, var.statements]
}

run "every_action_of_every_statement_is_looked_at" {
  command = plan

  variables {
    statements = [
      { sid = "A", actions = ["sqs:SendMessage"], resources = ["*"] },
      { sid = "B", actions = ["sqs:SendMessage", "*"], resources = ["*"] },
    ]
  }

  expect_failures = [var.statements]
}

run "two_equal_sids_are_refused" {
  command = plan

  variables {
    statements = [
      { sid = "A", actions = ["sqs:SendMessage"], resources = ["*"] },
      { sid = "A", actions = ["sqs:DeleteMessage"], resources = ["*"] },
    ]
  }

  expect_failures = [var.statements]
}

run "no_statement_is_refused" {
  command = plan

  variables {
    statements = []
  }

  expect_failures = [var.statements]
}

run "a_policy_that_is_too_long_is_refused_before_aws_does" {
  command = plan

  variables {
    statements = [for index in range(40) : {
      sid       = "S${index}"
      actions   = ["sqs:SendMessage"]
      resources = [for n in range(6) : "arn:aws:sqs:eu-central-1:123456789012:a-queue-with-a-long-name-${n}"]
    }]
  }

  expect_failures = [aws_iam_role_policy.this]
}
