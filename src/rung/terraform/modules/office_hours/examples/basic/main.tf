# Started on demand, stopped after four hours without a request and at seven in the evening at the latest.
provider "aws" {
  region = "eu-central-1"
}

module "hours" {
  source = "../.."

  name                 = "shop-qa-hours"
  account_id           = "123456789012"
  region               = "eu-central-1"
  log_key_arn          = "arn:aws:kms:eu-central-1:123456789012:key/66666666-7777-8888-9999-000000000000"
  cluster_name         = "shop-qa"
  timezone             = "Europe/Berlin"
  stop_expression      = "cron(0 19 ? * * *)"
  idle_hours           = 4
  load_balancer_suffix = "app/shop-qa/0123456789abcdef"
  database_instances   = ["shop-qa-db"]

  services = {
    shop-qa-api    = { min_tasks = 1, max_tasks = 2 }
    shop-qa-fulfil = { min_tasks = 1 }
  }
}
