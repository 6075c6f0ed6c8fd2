mock_provider "aws" {
  source          = "../testing"
  override_during = plan
}

variables {
  name = "shop-prod-thumbs"
  platform = {
    name           = "shop-prod"
    vpc_id         = "vpc-0a1b2c3d4e5f60718"
    subnet_ids     = ["subnet-0a1b2c3d4e5f60718", "subnet-0a1b2c3d4e5f60719"]
    image          = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/shop-prod-images:4f2a"
    repository_arn = "arn:aws:ecr:eu-central-1:123456789012:repository/shop-prod-images"
    key_arn        = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"
    log_key_arn    = "arn:aws:kms:eu-central-1:123456789012:key/66666666-2222-3333-4444-555555555555"
    environment    = { RUNG_WORKLOAD = "shop" }
  }
  command = ["python", "-m", "rung.runtime.function", "--name", "thumbs"]
  queues = {
    uploads = { arn = "arn:aws:sqs:eu-central-1:123456789012:shop-prod-uploads", batch_size = 10, most_batches = 100 }
  }
}

run "its_queue_starts_it_and_failures_are_told_one_by_one" {
  command = plan

  assert {
    condition     = aws_lambda_event_source_mapping.queue["uploads"].scaling_config[0].maximum_concurrency == 100 && tolist(aws_lambda_event_source_mapping.queue["uploads"].function_response_types) == tolist(["ReportBatchItemFailures"])
    error_message = "a hundred batches at once, answered one by one"
  }

  assert {
    condition     = aws_lambda_function.this.package_type == "Image" && aws_lambda_function.this.image_uri == var.platform.image && aws_lambda_function.this.image_config[0].command == var.command
    error_message = "the workload's image, with a command of its own"
  }

  assert {
    condition     = aws_lambda_function.this.environment[0].variables == tomap({ RUNG_NODE = "thumbs", RUNG_WORKLOAD = "shop" }) && aws_lambda_function.this.kms_key_arn == var.platform.key_arn
    error_message = "it knows its name, and what it is told is encrypted"
  }

  assert {
    condition     = length(aws_security_group.this) == 0 && length(aws_lambda_function.this.vpc_config) == 0 && !strcontains(aws_iam_role_policy.own.policy, "ec2:")
    error_message = "outside of the network it needs no address"
  }

  assert {
    condition     = strcontains(aws_iam_role_policy.own.policy, "sqs:ReceiveMessage") && strcontains(aws_iam_role_policy.own.policy, var.queues.uploads.arn)
    error_message = "Lambda receives in its name"
  }

  assert {
    condition     = aws_cloudwatch_log_group.this.retention_in_days == 30 && aws_cloudwatch_log_group.this.kms_key_id == var.platform.log_key_arn
    error_message = "its log ends, and is encrypted"
  }
}

run "inside_of_the_network_it_has_an_address_that_its_program_cannot_change" {
  command = plan

  variables {
    in_network   = true
    file_systems = [{ access_point_arn = "arn:aws:elasticfilesystem:eu-central-1:123456789012:access-point/fsap-0a1b2c3d4e5f60718", path = "/mnt/uploads" }]
  }

  assert {
    condition     = length(aws_security_group.this) == 1 && length(aws_lambda_function.this.vpc_config[0].subnet_ids) == 2
    error_message = "an address in each zone"
  }

  assert {
    condition     = { for statement in jsondecode(aws_iam_role_policy.own.policy).Statement : statement.Sid => statement.Effect if startswith(statement.Sid, "HaveAn") || startswith(statement.Sid, "But") } == { HaveAnAddress = "Allow", ButNotTheProgram = "Deny" }
    error_message = "Lambda may have addresses, the program may not"
  }

  assert {
    condition     = aws_lambda_function.this.file_system_config[0].local_mount_path == "/mnt/uploads"
    error_message = "one file system"
  }
}

run "what_is_kept_warm_is_what_its_queue_starts" {
  command = plan

  variables {
    provisioned_concurrency = 5
  }

  assert {
    condition     = aws_lambda_function.this.publish && aws_lambda_provisioned_concurrency_config.warm[0].provisioned_concurrent_executions == 5
    error_message = "five are always warm"
  }

  assert {
    condition     = aws_lambda_alias.warm[0].name == "warm" && aws_lambda_provisioned_concurrency_config.warm[0].qualifier == "warm"
    error_message = "and they are of the version that its queues start"
  }
}

run "wrong_values_are_refused" {
  command = plan

  variables {
    name            = "1thumbs"
    queues          = { uploads = { arn = "arn:aws:sqs:eu-central-1:123456789012:shop-prod-uploads", batch_size = 10, most_batches = 1 } }
    memory_mib      = 64
    ephemeral_mib   = 100
    timeout_seconds = 901

    provisioned_concurrency = -1

    architecture = "mips"
    environment  = { "A-B" = "c" }
    file_systems = [{ access_point_arn = "arn:aws:elasticfilesystem:eu-central-1:123456789012:access-point/fsap-0a1b2c3d4e5f60718", path = "/data" }]
  }

  expect_failures = [var.name, var.queues, var.memory_mib, var.ephemeral_mib, var.timeout_seconds, var.provisioned_concurrency, var.architecture, var.environment, var.file_systems]
}

run "a_batch_that_sqs_does_not_give_at_once_is_refused" {
  command = plan

  variables {
    queues = { uploads = { arn = "arn:aws:sqs:eu-central-1:123456789012:shop-prod-uploads", batch_size = 11, most_batches = 2 } }
  }

  expect_failures = [var.queues]
}
