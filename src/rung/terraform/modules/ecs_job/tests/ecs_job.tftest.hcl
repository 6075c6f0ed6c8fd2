mock_provider "aws" {
  source          = "../testing"
  override_during = plan
}

variables {
  name = "shop-prod-migrate"
  platform = {
    name           = "shop-prod"
    cluster_arn    = "arn:aws:ecs:eu-central-1:123456789012:cluster/shop-prod"
    vpc_id         = "vpc-1"
    image          = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/shop:1"
    repository_arn = "arn:aws:ecr:eu-central-1:123456789012:repository/shop"
    log_key_arn    = "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-0000-0000-000000000000"
    environment    = { RUNG_ENVIRONMENT = "prod" }
  }
  command = ["python", "-m", "shop.migrate"]
}

run "does_one_thing_and_can_do_little_harm" {
  command = plan

  variables {
    on_deploy        = true
    deadline_seconds = 600
  }

  assert {
    condition     = local.container.readonlyRootFilesystem && local.container.user == "10001:10001" && local.container.linuxParameters.capabilities.drop == ["ALL"] && local.container.command[2] == "shop.migrate"
    error_message = "read-only, not root, no capabilities, the command"
  }

  assert {
    condition     = contains(local.container.environment, { name = "RUNG_DEADLINE_SECONDS", value = "600" }) && contains(local.container.environment, { name = "RUNG_ENVIRONMENT", value = "prod" }) && aws_ecs_task_definition.this.tags.RunOnDeploy == "true"
    error_message = "the program knows its deadline and what all tasks are told, the pipeline knows its job"
  }

  assert {
    condition     = local.container.stopTimeout == 120 && contains(local.container.environment, { name = "RUNG_NODE", value = "migrate" })
    error_message = "as long to stop as Fargate waits, and its own name"
  }

  assert {
    condition     = local.container.logConfiguration.options.mode == "blocking"
    error_message = "no line of a job is lost"
  }

  assert {
    condition = [
      for s in jsondecode(aws_iam_role_policy.execution.policy).Statement : s.Sid if contains(s.Resource, "*")
    ] == ["RegistryToken"] && aws_iam_role.execution.name != aws_iam_role.task.name
    error_message = "two roles, and only the registry's token has no resource"
  }
}

run "the_clock_starts_it" {
  command = plan

  variables {
    name     = "shop-prod-expire-carts"
    schedule = { expression = "rate(1 minute)" }
    platform = {
      name           = "shop-prod"
      cluster_arn    = "arn:aws:ecs:eu-central-1:123456789012:cluster/shop-prod"
      vpc_id         = "vpc-1"
      image          = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/shop:1"
      repository_arn = "arn:aws:ecr:eu-central-1:123456789012:repository/shop"
      log_key_arn    = "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-0000-0000-000000000000"
      subnet_ids     = ["subnet-1"]
      key_arn        = "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-0000-0000-000000000000"
    }
  }

  assert {
    condition     = length(module.schedule) == 1 && output.schedule_group_name == "shop-prod-expire-carts-schedule"
    error_message = "a schedule, with metrics of its own"
  }
}

run "wrong_values_are_refused" {
  command = plan

  variables {
    name             = "shop prod"
    architecture     = "mips"
    cpu              = 3
    stop_seconds     = 300
    environment      = { "A-B" = "1" }
    deadline_seconds = 0
    user             = "root"
    writable_paths   = ["tmp"]
    file_systems     = [{ id = "fs-1", access_point_id = "fsap-1", path = "/" }]
    platform = {
      cluster_arn    = "arn:aws:ecs:eu-central-1:123456789012:cluster/shop-prod"
      vpc_id         = "vpc-1"
      image          = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/shop:1"
      repository_arn = "arn:aws:ecr:eu-central-1:123456789012:repository/shop"
      log_key_arn    = "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-0000-0000-000000000000"
      log_days       = 2
    }
  }

  expect_failures = [
    var.name, var.architecture, var.cpu, var.stop_seconds, var.environment, var.deadline_seconds, var.user,
    var.writable_paths, var.file_systems, var.platform,
  ]
}

run "memory_that_does_not_fit_is_refused" {
  command = plan

  variables {
    cpu        = 1
    memory_mib = 1024
  }

  expect_failures = [var.memory_mib]
}
