# The service api reads its login and talks to the database; nobody else may do anything.
provider "aws" {
  region = "eu-central-1"
}

module "grants" {
  source = "../.."

  name = "shop-prod"
  parties = [
    { name = "shop-prod-api", security_group_id = "sg-0a1b2c3d4e5f67890", role_name = "shop-prod-api-task" },
    { name = "shop-prod-db", security_group_id = "sg-0a1b2c3d4e5f67891" },
  ]
  allowed = {
    api = { db = [5432] }
  }
  statements = {
    ApiReadDb = { role = "api", actions = ["secretsmanager:GetSecretValue"], resources = ["arn:aws:secretsmanager:eu-central-1:123456789012:secret:shop-prod-db-api-AbCdEf"] }
  }
}
