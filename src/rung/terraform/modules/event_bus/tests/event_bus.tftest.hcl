mock_provider "aws" {
  source          = "../testing"
  override_during = plan
}

variables {
  name       = "shop-prod-events"
  account_id = "123456789012"
}

run "a_bus_takes_this_account_alone_and_remembers" {
  command = plan

  variables {
    archive_days = 30
  }

  assert {
    condition     = { for statement in jsondecode(aws_cloudwatch_event_bus_policy.this.policy).Statement : statement.Sid => statement.Effect } == { OwnAccountOnly = "Deny", TlsOnly = "Deny" }
    error_message = "other accounts and plain HTTP are refused"
  }

  assert {
    condition     = aws_cloudwatch_event_archive.this[0].retention_days == 30 && aws_cloudwatch_event_archive.this[0].name == "shop-prod-events-archive"
    error_message = "events of a month can be replayed"
  }
}

run "without_days_nothing_is_kept" {
  command = plan

  assert {
    condition     = length(aws_cloudwatch_event_archive.this) == 0 && output.archive_arn == null
    error_message = "an archive is asked for"
  }
}

run "wrong_values_are_refused" {
  command = plan

  variables {
    name         = "default"
    account_id   = "1234"
    archive_days = 1.5
  }

  expect_failures = [var.name, var.account_id, var.archive_days]
}
