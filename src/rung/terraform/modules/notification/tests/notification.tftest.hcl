mock_provider "aws" {
  source          = "../testing"
  override_during = plan
}

variables {
  name       = "shop-prod-alarms"
  account_id = "123456789012"
  key_arn    = "arn:aws:kms:eu-central-1:123456789012:key/66666666-7777-8888-9999-000000000000"
}

run "topics_are_encrypted_and_take_this_account_alone" {
  command = plan

  assert {
    condition     = aws_sns_topic.page.kms_master_key_id == var.key_arn && aws_sns_topic.ticket.kms_master_key_id == var.key_arn && length(aws_kms_key.this) == 0
    error_message = "both topics are under the given key"
  }

  assert {
    condition = alltrue(flatten([
      for policy in aws_sns_topic_policy.this : [
        for statement in jsondecode(policy.policy).Statement :
        toset(statement.Principal.Service) == toset(["budgets.amazonaws.com", "cloudwatch.amazonaws.com", "events.amazonaws.com"]) &&
        statement.Condition.StringEquals["aws:SourceAccount"] == "123456789012" if statement.Effect == "Allow"
      ]
    ]))
    error_message = "alarms, rules and budgets of this account publish, and nobody else"
  }

  assert {
    condition     = alltrue([for policy in aws_sns_topic_policy.this : contains(jsondecode(policy.policy).Statement[*].Sid, "TlsOnly")])
    error_message = "nothing is published by plain HTTP"
  }
}

run "each_recipient_hears_what_is_meant_for_it" {
  command = plan

  variables {
    emails   = ["oncall@example.com"]
    phones   = ["+4915112345678"]
    slack    = { alarms = { team_id = "T0123ABCD", channel_id = "C0123ABCD" } }
    webhooks = ["https://events.pagerduty.com/integration/example/enqueue"]
  }

  assert {
    condition     = length(aws_sns_topic_subscription.email_page) == 1 && length(aws_sns_topic_subscription.email_ticket) == 1
    error_message = "mail gets pages and tickets"
  }

  assert {
    condition = alltrue([
      for subscription in concat(values(aws_sns_topic_subscription.phone), aws_sns_topic_subscription.webhook) : subscription.topic_arn == aws_sns_topic.page.arn
    ])
    error_message = "what wakes people gets pages alone"
  }

  assert {
    condition     = aws_sns_topic_subscription.webhook[0].protocol == "https"
    error_message = "an endpoint whose address is its password is not told in clear"
  }

  assert {
    condition     = aws_chatbot_slack_channel_configuration.this["alarms"].guardrail_policy_arns == tolist(["arn:aws:iam::aws:policy/CloudWatchReadOnlyAccess"])
    error_message = "without a guardrail AWS lets the channel do everything"
  }
}

run "a_second_region_makes_its_own_key" {
  command = plan

  variables {
    key_arn = null
    own_key = true
  }

  assert {
    condition     = aws_kms_key.this[0].enable_key_rotation && strcontains(aws_kms_key.this[0].policy, "cloudwatch.amazonaws.com")
    error_message = "the key lets alarms in and rotates"
  }
}

run "wrong_values_are_refused" {
  command = plan

  variables {
    name       = "shop prod alarms"
    account_id = "1234"
    key_arn    = null
    emails     = ["oncall"]
    phones     = ["0151 1234567"]
    slack      = { alarms = { team_id = "#alarms", channel_id = "C0123ABCD" } }
    webhooks   = ["http://example.com/hook"]
  }

  expect_failures = [
    var.name, var.account_id, var.key_arn, var.emails, var.phones, var.slack, var.webhooks,
  ]
}
