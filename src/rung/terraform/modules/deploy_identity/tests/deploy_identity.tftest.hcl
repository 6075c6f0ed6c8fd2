mock_provider "aws" {
  source          = "../testing"
  override_during = plan
}

variables {
  name             = "shop-prod-deploy"
  account_id       = "123456789012"
  region           = "eu-central-1"
  repository       = "example/shop"
  environment      = "prod"
  role_prefix      = "shop-prod-"
  state_bucket_arn = "arn:aws:s3:::shop-states-123456789012"
  state_key_arn    = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"
  state_object     = "shop/prod/terraform.tfstate"
}

run "tokens_are_matched_whole" {
  command = plan

  variables {
    owner_id      = "4242"
    repository_id = "424242"
    plan_branches = ["main"]
  }

  assert {
    condition = jsondecode(aws_iam_role.apply.assume_role_policy).Statement[0].Condition == {
      StringEquals = {
        "token.actions.githubusercontent.com:aud" = "sts.amazonaws.com"
        "token.actions.githubusercontent.com:sub" = ["repo:example/shop:environment:prod", "repo:example@4242/shop@424242:environment:prod"]
      }
    }
    error_message = "only jobs of the environment apply, by the classic and by the immutable subject"
  }

  assert {
    condition = toset(jsondecode(aws_iam_role.plan.assume_role_policy).Statement[0].Condition.StringEquals["token.actions.githubusercontent.com:sub"]) == toset([
      "repo:example/shop:pull_request", "repo:example/shop:ref:refs/heads/main",
      "repo:example@4242/shop@424242:pull_request", "repo:example@4242/shop@424242:ref:refs/heads/main",
    ])
    error_message = "pull requests and the named branches plan"
  }

  assert {
    condition     = alltrue([for role in [aws_iam_role.plan, aws_iam_role.apply] : !strcontains(role.assume_role_policy, "*") && keys(jsondecode(role.assume_role_policy).Statement[0].Condition) == ["StringEquals"]])
    error_message = "a wildcard lets other repositories in"
  }
}

run "a_pull_request_reads_no_data" {
  command = plan

  assert {
    condition     = jsondecode(aws_iam_role.plan.assume_role_policy).Statement[0].Condition.StringEquals["token.actions.githubusercontent.com:sub"] == ["repo:example/shop:pull_request"]
    error_message = "no subject but that of pull requests"
  }

  assert {
    condition     = toset([for statement in jsondecode(aws_iam_role_policy.plan.policy).Statement : statement.Sid if statement.Effect == "Deny"]) == toset(["NoData", "NoObjects", "NoDecryption"])
    error_message = "whoever opens a pull request decides what it runs"
  }

  assert {
    condition = alltrue([
      for statement in jsondecode(aws_iam_role_policy.plan.policy).Statement :
      alltrue([for action in flatten([statement.Action]) : can(regex(":(Get|List|Decrypt)", action))]) if statement.Effect == "Allow"
    ])
    error_message = "a plan writes nothing, not even its lock"
  }

  assert {
    condition     = contains(jsondecode(aws_iam_role_policy.plan.policy).Statement[*].Sid, "EphemeralValues")
    error_message = "every plan asks for the random values that it forgets"
  }
}

run "the_pipeline_cannot_free_itself" {
  command = plan

  assert {
    condition     = aws_iam_role.plan.permissions_boundary == aws_iam_policy.boundary.arn && aws_iam_role.apply.permissions_boundary == aws_iam_policy.boundary.arn
    error_message = "both roles have the boundary"
  }

  assert {
    condition = alltrue([
      for action in ["iam:CreateUser", "iam:*AccessKey*", "iam:*LoginProfile*"] :
      contains(flatten([for statement in jsondecode(aws_iam_policy.boundary.policy).Statement : statement.Action if statement.Effect == "Deny"]), action)
    ])
    error_message = "no users and no keys that outlive the job"
  }

  assert {
    condition = alltrue([
      for action in ["iam:DeleteRolePermissionsBoundary", "iam:PutRolePolicy", "iam:UpdateAssumeRolePolicy"] :
      contains(one([for statement in jsondecode(aws_iam_policy.boundary.policy).Statement : statement.Action if statement.Sid == "NoWayOut"]), action)
    ])
    error_message = "neither role changes the roles of the pipeline"
  }

  assert {
    condition = alltrue([
      for statement in jsondecode(aws_iam_role_policy.apply.policy).Statement :
      alltrue([for resource in flatten([statement.Resource]) : resource != "*"]) || can(statement.Condition)
    ])
    error_message = "what is allowed on everything is allowed in the environment's region alone"
  }

  assert {
    condition     = !anytrue([for statement in jsondecode(aws_iam_role_policy.apply.policy).Statement : contains(flatten([statement.Action]), "iam:*")])
    error_message = "roles are managed by named actions"
  }

  assert {
    condition     = one([for statement in jsondecode(aws_iam_role_policy.apply.policy).Statement : statement.Resource if statement.Sid == "GiveRolesToServices"]) == "arn:aws:iam::123456789012:role/shop-prod-*"
    error_message = "only the environment's roles are passed on"
  }

  assert {
    condition     = length(aws_iam_policy.boundary.policy) <= 6144 && length(aws_iam_role_policy.apply.policy) + length(aws_iam_role_policy.plan.policy) <= 20480
    error_message = "IAM takes 6144 characters for a policy and 10240 for what is inline in a role"
  }
}

run "new_roles_can_be_made_to_carry_the_boundary" {
  command = plan

  variables {
    require_boundary = true
    own_provider     = false
    provider_arn     = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
  }

  assert {
    condition     = one([for statement in jsondecode(aws_iam_role_policy.apply.policy).Statement : statement.Condition if statement.Sid == "MakeRoles"]) == { StringEquals = { "iam:PermissionsBoundary" = aws_iam_policy.boundary.arn } }
    error_message = "a role without the boundary is not made"
  }

  assert {
    condition     = length(aws_iam_openid_connect_provider.github) == 0 && output.provider_arn == var.provider_arn
    error_message = "an account has one provider for GitHub"
  }
}

run "an_environment_with_a_rabbitmq_may_use_two_more_services" {
  command = plan

  variables {
    further_services = ["cloudformation", "mq"]
  }

  assert {
    condition     = length(setsubtract(["cloudformation:*", "mq:*", "sqs:*"], flatten([for statement in jsondecode(aws_iam_role_policy.apply.policy).Statement : statement.Action if statement.Effect == "Allow"]))) == 0
    error_message = "beside the services of every environment"
  }
}

run "wrong_values_are_refused" {
  command = plan

  variables {
    name          = "shop prod"
    account_id    = "1234"
    region        = "Frankfurt"
    repository    = "example/shop*"
    environment   = "*"
    role_prefix   = "s"
    state_object  = "*"
    owner_id      = "example"
    repository_id = "shop"
    plan_branches = ["release/*"]
    services      = ["iam"]
    passed_to     = ["*"]
    own_provider  = false

    further_services = ["sts"]
  }

  expect_failures = [
    var.name, var.account_id, var.region, var.repository, var.environment, var.role_prefix, var.state_object, var.owner_id,
    var.plan_branches, var.services, var.further_services, var.passed_to, var.provider_arn,
  ]
}

run "half_an_immutable_subject_is_refused" {
  command = plan

  variables {
    repository_id = "shop"
  }

  expect_failures = [var.repository_id]
}

run "an_owner_without_the_repository_is_refused" {
  command = plan

  variables {
    owner_id = "4242"
  }

  expect_failures = [var.repository_id]
}
