# The bus of a shop's events, replayable for a month.
provider "aws" {
  region = "eu-central-1"
}

module "events" {
  source = "../.."

  name       = "shop-prod-events"
  account_id = "123456789012"

  archive_days = 30
}
