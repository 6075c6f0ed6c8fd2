mock_provider "aws" {
  source          = "../testing"
  override_during = plan
}

variables {
  name        = "shop-prod-hosts"
  vpc_id      = "vpc-1"
  subnet_ids  = ["subnet-1", "subnet-2"]
  user_data   = "#cloud-config\npackages: [docker]\n"
  key_arn     = "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-0000-0000-000000000000"
  log_key_arn = "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-0000-0000-000000000000"
}

run "replaced_one_after_the_other" {
  command = plan

  variables {
    target_group_arns = ["arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/hosts/1"]
  }

  assert {
    condition     = aws_autoscaling_group.this.instance_refresh[0].preferences[0].min_healthy_percentage == 100 && aws_autoscaling_group.this.instance_refresh[0].preferences[0].auto_rollback
    error_message = "the new one first, and back when it does not become healthy"
  }

  assert {
    condition     = aws_launch_template.this.metadata_options[0].http_tokens == "required" && aws_launch_template.this.metadata_options[0].http_put_response_hop_limit == 2
    error_message = "IMDSv2, one hop further: containers have the role"
  }

  assert {
    condition     = aws_launch_template.this.network_interfaces[0].associate_public_ip_address == "false" && aws_launch_template.this.block_device_mappings[0].ebs[0].encrypted == "true"
    error_message = "no public address, encrypted disk"
  }

  assert {
    condition     = aws_autoscaling_group.this.health_check_type == "ELB" && aws_autoscaling_policy.cpu.target_tracking_configuration[0].target_value == 60
    error_message = "the load balancer says who is sick, the processors how many are needed"
  }

  assert {
    condition     = strcontains(local.agent_part, "AutoScalingGroupName")
    error_message = "disks are measured for the group"
  }
}

run "without_a_load_balancer" {
  command = plan

  variables {
    architecture  = "x86_64"
    instance_type = "t3.medium"
    image_id      = "ami-1"
  }

  assert {
    condition     = aws_autoscaling_group.this.health_check_type == "EC2" && aws_launch_template.this.image_id == "ami-1"
    error_message = "the machine's own health, and the image asked for"
  }
}

run "wrong_values_are_refused" {
  command = plan

  variables {
    name            = "shop prod"
    subnet_ids      = []
    user_data       = "apt install docker"
    instance_type   = "medium"
    root_gib        = 4
    max_hosts       = 0
    cpu_target      = 100
    warm_up_seconds = 1
    hop_limit       = 0
    management      = "ssh"
    log_days        = 2
  }

  expect_failures = [
    var.name, var.subnet_ids, var.user_data, var.instance_type, var.root_gib, var.max_hosts, var.cpu_target,
    var.warm_up_seconds, var.hop_limit, var.management, var.log_days,
  ]
}

run "what_does_not_fit_is_refused" {
  command = plan

  variables {
    user_data     = "#cloud-config\n${join("", [for n in range(600) : sha256(tostring(n))])}"
    instance_type = "t3.medium"
    min_hosts     = 4
  }

  expect_failures = [var.user_data, var.instance_type, var.min_hosts]
}

run "an_unknown_processor_is_refused" {
  command = plan

  variables {
    architecture = "mips"
  }

  expect_failures = [var.architecture]
}
