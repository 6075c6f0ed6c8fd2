mock_provider "aws" {
  source          = "../testing"
  override_during = plan
}

variables {
  name = "shop-prod"
}

run "what_is_known_to_be_bad_and_floods" {
  command = plan

  variables {
    blocked_countries = ["KP"]
  }

  assert {
    condition     = tolist([for rule in sort([for r in aws_wafv2_web_acl.this.rule : format("%03d %s", r.priority, r.name)]) : substr(rule, 4, -1)]) == tolist(["countries", "rate", "AWSManagedRulesCommonRuleSet", "AWSManagedRulesKnownBadInputsRuleSet", "AWSManagedRulesAmazonIpReputationList"])
    error_message = "countries first, then floods, then what AWS knows"
  }

  assert {
    condition     = one([for r in aws_wafv2_web_acl.this.rule : r.statement[0].rate_based_statement[0].limit if r.name == "rate"]) == 2000 && one([for r in aws_wafv2_web_acl.this.rule : r.action[0].block[0].custom_response[0].response_code if r.name == "rate"]) == 429
    error_message = "beyond the limit the answer is 429"
  }

  assert {
    condition     = one([for r in aws_wafv2_web_acl.this.rule : one(r.statement[0].managed_rule_group_statement[0].rule_action_override).name if r.name == "AWSManagedRulesCommonRuleSet"]) == "SizeRestrictions_BODY"
    error_message = "an upload is counted, not refused"
  }

  assert {
    condition     = aws_cloudwatch_log_group.this.name == "aws-waf-logs-shop-prod" && aws_wafv2_web_acl_logging_configuration.this.logging_filter[0].default_behavior == "DROP"
    error_message = "blocked and counted requests are logged, under the prefix WAF asks for"
  }

  assert {
    condition     = toset([for field in aws_wafv2_web_acl_logging_configuration.this.redacted_fields : field.single_header[0].name]) == toset(["authorization", "cookie"])
    error_message = "credentials are in no log"
  }
}

run "in_front_of_a_load_balancer" {
  command = plan

  variables {
    scope   = "REGIONAL"
    guarded = { load_balancer = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/shop/1" }
  }

  assert {
    condition     = aws_wafv2_web_acl.this.scope == "REGIONAL" && aws_wafv2_web_acl_association.this["load_balancer"].resource_arn == var.guarded.load_balancer
    error_message = "it guards what it is told to"
  }
}

run "wrong_values_are_refused" {
  command = plan

  variables {
    name                      = "shop prod"
    scope                     = "GLOBAL"
    managed_groups            = ["MyRules"]
    requests_per_five_minutes = 1
    blocked_countries         = ["Korea"]
    log_days                  = 2
  }

  expect_failures = [
    var.name, var.scope, var.managed_groups, var.requests_per_five_minutes, var.blocked_countries, var.log_days,
  ]
}

run "a_key_and_a_load_balancer_of_another_region_are_refused" {
  command = plan

  variables {
    log_key_arn    = "arn:aws:kms:eu-central-1:123456789012:key/1"
    guarded        = { load_balancer = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/shop/1" }
    managed_groups = ["AWSManagedRulesCommonRuleSet", "AWSManagedRulesCommonRuleSet"]
  }

  expect_failures = [var.log_key_arn, var.guarded, var.managed_groups]
}
