mock_provider "aws" {
  source          = "../testing"
  override_during = plan
}

variables {
  name        = "shop-dev-box"
  vpc_id      = "vpc-1"
  subnet_id   = "subnet-1"
  user_data   = "#cloud-config\npackages: [docker]\n"
  key_arn     = "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-0000-0000-000000000000"
  log_key_arn = "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-0000-0000-000000000000"
}

run "address_and_data_stay_when_the_machine_goes" {
  command = plan

  assert {
    condition     = aws_instance.this.metadata_options[0].http_tokens == "required" && aws_instance.this.metadata_options[0].http_put_response_hop_limit == 1
    error_message = "IMDSv2, and no further than the machine: containers have no role of it"
  }

  assert {
    condition     = aws_ebs_volume.data.encrypted && aws_ebs_volume.data.kms_key_id == var.key_arn && aws_ebs_volume.data.final_snapshot
    error_message = "the data is encrypted, and leaves a snapshot"
  }

  assert {
    condition     = one(aws_instance.this.root_block_device).encrypted && aws_instance.this.user_data_replace_on_change && aws_instance.this.monitoring
    error_message = "the machine itself is encrypted, replaced by new user data, and measured every minute"
  }

  assert {
    condition     = aws_volume_attachment.data.device_name == "/dev/sdf" && aws_volume_attachment.data.stop_instance_before_detaching
    error_message = "the volume is taken away from a stopped machine only"
  }

  assert {
    condition     = length(aws_dlm_lifecycle_policy.this) == 0 && length(aws_route53_record.this) == 0
    error_message = "snapshots and names are asked for"
  }

  assert {
    condition     = strcontains(local.agent_part, "used_percent") && length(local.user_data) < 4000
    error_message = "disks are measured"
  }
}

run "snapshots_and_a_name" {
  command = plan

  variables {
    snapshots = 7
    hop_limit = 2
    domain    = "dev.example.com"
    zone_id   = "Z1"
    image_id  = "ami-1"
    user_data = "#!/bin/sh\ntrue\n"
  }

  assert {
    condition     = one(aws_dlm_lifecycle_policy.this[0].policy_details[0].schedule).retain_rule[0].count == 7 && aws_dlm_lifecycle_policy.this[0].policy_details[0].target_tags.Snapshots == aws_ebs_volume.data.tags.Snapshots
    error_message = "seven snapshots of this volume"
  }

  assert {
    condition     = aws_route53_record.this[0].name == "dev.example.com" && aws_instance.this.ami == "ami-1" && aws_instance.this.metadata_options[0].http_put_response_hop_limit == 2
    error_message = "name, image and hop limit as asked for"
  }
}

run "wrong_values_are_refused" {
  command = plan

  variables {
    name          = "shop dev"
    user_data     = "apt install docker"
    instance_type = "small"
    root_gib      = 4
    data_gib      = 0
    snapshots     = -1
    hop_limit     = 3
    management    = "ssh"
    log_days      = 2
  }

  expect_failures = [
    var.name, var.user_data, var.instance_type, var.root_gib, var.data_gib, var.snapshots, var.hop_limit,
    var.management, var.log_days,
  ]
}

run "what_does_not_fit_is_refused" {
  command = plan

  variables {
    user_data     = "#cloud-config\n${join("", [for n in range(600) : sha256(tostring(n))])}"
    instance_type = "t3.small"
  }

  expect_failures = [var.user_data, var.instance_type]
}

run "an_unknown_processor_is_refused" {
  command = plan

  variables {
    architecture = "mips"
  }

  expect_failures = [var.architecture]
}
