mock_provider "aws" {
  source          = "../testing"
  override_during = plan
}

variables {
  name            = "shop-staging-hours"
  account_id      = "123456789012"
  region          = "eu-central-1"
  log_key_arn     = "arn:aws:kms:eu-central-1:123456789012:key/66666666-7777-8888-9999-000000000000"
  cluster_name    = "shop-staging"
  stop_expression = "cron(0 19 ? * MON-FRI *)"

  services = {
    api    = { min_tasks = 1, max_tasks = 4 }
    fulfil = { min_tasks = 2 }
  }
}

run "services_and_databases_stop_by_the_clock" {
  command = plan

  variables {
    start_expression   = "cron(0 7 ? * MON-FRI *)"
    timezone           = "Europe/Berlin"
    database_clusters  = ["shop-staging-db"]
    database_instances = ["shop-staging-reports"]
  }

  assert {
    condition     = { for direction, schedule in aws_scheduler_schedule.this : direction => "${schedule.schedule_expression} ${schedule.schedule_expression_timezone}" } == { start = "cron(0 7 ? * MON-FRI *) Europe/Berlin", stop = "cron(0 19 ? * MON-FRI *) Europe/Berlin" }
    error_message = "by the office's own clock"
  }

  assert {
    condition     = jsondecode(aws_sfn_state_machine.this["stop"].definition).States.Stop.Branches[0].States["Tasks of api"].Parameters == { ServiceNamespace = "ecs", ScalableDimension = "ecs:service:DesiredCount", ResourceId = "service/shop-staging/api", MinCapacity = 0, MaxCapacity = 0 }
    error_message = "a service that scales by itself is emptied through its limits"
  }

  assert {
    condition     = jsondecode(aws_sfn_state_machine.this["start"].definition).States.Start.Branches[1].States["Tasks of fulfil"].Parameters == { Cluster = "shop-staging", Service = "fulfil", DesiredCount = 2 }
    error_message = "a service of a fixed size gets it back"
  }

  assert {
    condition     = [for branch in jsondecode(aws_sfn_state_machine.this["stop"].definition).States.Stop.Branches : branch.States[branch.StartAt].Resource if length(branch.States) == 2] == ["arn:aws:states:::aws-sdk:rds:stopDBCluster", "arn:aws:states:::aws-sdk:rds:stopDBInstance"]
    error_message = "databases stop too, and one that has stopped is no failure"
  }

  assert {
    condition = alltrue([
      for statement in jsondecode(aws_iam_role_policy.machine.policy).Statement : !contains(flatten([statement.Resource]), "*") if statement.Sid != "Log"
    ])
    error_message = "it starts and stops what is named here and nothing else"
  }

  assert {
    condition     = length(aws_cloudwatch_metric_alarm.idle) == 0 && keys(jsondecode(aws_sfn_state_machine.this["start"].definition).States) == ["Start"]
    error_message = "without idle_hours nobody counts requests"
  }

  assert {
    condition     = aws_cloudwatch_log_group.this.kms_key_id == var.log_key_arn && alltrue([for machine in aws_sfn_state_machine.this : machine.logging_configuration[0].level == "ALL"])
    error_message = "who asks why it is off finds the answer"
  }
}

run "an_idle_environment_stops_by_itself" {
  command = plan

  variables {
    stop_expression      = null
    idle_hours           = 4
    load_balancer_suffix = "app/shop-qa/0123456789abcdef"
  }

  assert {
    condition     = jsondecode(aws_sfn_state_machine.this["start"].definition).States["Give time"].Seconds == 14400
    error_message = "after a start it runs for the whole time"
  }

  assert {
    condition     = jsondecode(aws_sfn_state_machine.this["start"].definition).States["Did anybody come"].Choices[0].Next == "Stop" && jsondecode(aws_sfn_state_machine.this["start"].definition).States["Look again later"].Next == "Look at requests"
    error_message = "it stops when nobody came, and asks again otherwise"
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.idle[0].evaluation_periods == 4 && aws_cloudwatch_metric_alarm.idle[0].period == 3600 && aws_cloudwatch_metric_alarm.idle[0].treat_missing_data == "breaching"
    error_message = "four hours without a request, and no data is no request"
  }

  assert {
    condition     = length(aws_scheduler_schedule.this) == 0 && length(aws_iam_role.clock) == 0
    error_message = "no clock, no role for it"
  }
}

run "wrong_values_are_refused" {
  command = plan

  variables {
    name             = "shop hours"
    account_id       = "1234"
    region           = "Frankfurt"
    services         = {}
    timezone         = "Berlin time"
    start_expression = "at seven"
    stop_expression  = "in the evening"
    idle_hours       = 30
  }

  expect_failures = [
    var.name, var.account_id, var.region, var.services, var.timezone, var.start_expression, var.idle_hours,
  ]
}

run "a_stop_that_aws_does_not_understand_is_refused" {
  command = plan

  variables {
    services        = { api = { min_tasks = 0 } }
    stop_expression = "in the evening"
  }

  expect_failures = [var.services, var.stop_expression]
}

run "what_nothing_stops_is_refused" {
  command = plan

  variables {
    stop_expression = null
  }

  expect_failures = [var.stop_expression]
}

run "counting_requests_needs_to_know_whose" {
  command = plan

  variables {
    idle_hours = 4
  }

  expect_failures = [var.idle_hours]
}

run "a_group_of_hosts_is_emptied_and_comes_back" {
  command = plan

  variables {
    services    = {}
    host_groups = { shop-staging-hosts = { min_hosts = 2, max_hosts = 4 } }
  }

  assert {
    condition     = jsondecode(aws_sfn_state_machine.this["stop"].definition).States.Stop.Branches[0].States["Hosts of shop-staging-hosts"].Parameters == { AutoScalingGroupName = "shop-staging-hosts", MinSize = 0, MaxSize = 0, DesiredCapacity = 0 }
    error_message = "no host is left, and none comes back by itself"
  }

  assert {
    condition     = jsondecode(aws_sfn_state_machine.this["start"].definition).States.Start.Branches[0].States["Hosts of shop-staging-hosts"].Parameters == { AutoScalingGroupName = "shop-staging-hosts", MinSize = 2, MaxSize = 4, DesiredCapacity = 2 }
    error_message = "as many as before"
  }

  assert {
    condition     = [for statement in jsondecode(aws_iam_role_policy.machine.policy).Statement : statement.Sid] == ["Hosts", "Log"]
    error_message = "what is not there needs no permission"
  }
}

run "a_group_without_hosts_is_refused" {
  command = plan

  variables {
    host_groups = { shop-staging-hosts = { min_hosts = 0, max_hosts = 4 } }
  }

  expect_failures = [var.host_groups]
}
