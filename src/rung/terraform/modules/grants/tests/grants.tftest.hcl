mock_provider "aws" {
  source          = "../testing"
  override_during = plan
}

variables {
  name = "shop-prod"
  parties = [
    { name = "shop-prod-api", security_group_id = "sg-0a1", role_name = "shop-prod-api-task" },
    { name = "shop-prod-db", security_group_id = "sg-0d1" },
  ]
  allowed = { api = { db = [5432] } }
  statements = {
    ApiReadDb = { role = "api", actions = ["secretsmanager:GetSecretValue"], resources = ["arn:aws:secretsmanager:eu-central-1:123456789012:secret:db-api-AbCdEf"] }
  }
}

run "the_two_tables_know_the_same_parties" {
  command = plan

  assert {
    condition     = keys(output.rule_ids.in) == ["api to db 5432"] && keys(output.policies) == ["api"]
    error_message = "a rule and a policy, for those whom the tables name"
  }
}

run "without_statements_nobody_may_do_anything" {
  command = plan

  variables {
    statements = {}
    allowed    = {}
  }

  assert {
    condition     = length(output.policies) == 0 && length(output.rule_ids.in) == 0
    error_message = "what is not in a table is refused"
  }
}
