# Terraform cannot mock ephemeral values, so this is the real provider, which a plan without a generated value never
# lets call AWS. What is generated is tested with the module secret, and against an emulator.
provider "aws" {
  region                      = "eu-central-1"
  access_key                  = "testing"
  secret_key                  = "testing"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
}

variables {
  name    = "shop-prod"
  key_arn = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"
  secrets = {
    webhook     = {}
    by-partner  = {}
    old-fulfil  = {}
    session-key = { rotate_days = 90 }
  }
  topic_arn = "arn:aws:sns:eu-central-1:123456789012:shop-prod-alarms"
}

run "each_is_a_secret_of_its_own" {
  command = plan

  assert {
    condition = output.names == {
      webhook     = "shop-prod-webhook"
      by-partner  = "shop-prod-by-partner"
      old-fulfil  = "shop-prod-old-fulfil-value"
      session-key = "shop-prod-session-key"
    }
    error_message = "a name that looks complete, with a hyphen and six letters at its end, goes on with -value"
  }

  assert {
    condition     = { for key, binding in output.bindings : key => "${binding.kind} in ${binding.source}" } == { for key in keys(var.secrets) : key => "secret in secretsmanager" }
    error_message = "a task is told where each is"
  }
}

run "what_is_generated_reminds_nobody" {
  command = plan

  variables {
    secrets = { db-api = { username = "shop_api", rotate_days = 90 } }
  }

  expect_failures = [var.secrets]
}

run "a_name_that_is_none_is_refused" {
  command = plan

  variables {
    name = "shop prod"
  }

  expect_failures = [var.name]
}
