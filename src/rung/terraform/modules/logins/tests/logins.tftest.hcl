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
  name     = "shop-prod-db"
  key_arn  = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"
  database = { url = "postgresql://db:5432/shop?sslmode=verify-full", master_secret_arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:owner-AbCdEf" }
  logins   = {}
}

run "the_migration_is_told_where_and_as_whom" {
  command = plan

  assert {
    condition     = output.setup == { url = var.database.url, credentials_secret = var.database.master_secret_arn, roles = [] }
    error_message = "address and owner are the database's"
  }
}

run "rights_that_are_none_are_refused" {
  command = plan

  variables {
    logins = { api = { username = "shop_api", rows = "some", queue = false } }
  }

  expect_failures = [var.logins]
}

run "a_name_that_is_none_is_refused" {
  command = plan

  variables {
    name = "shop prod"
  }

  expect_failures = [var.name]
}
